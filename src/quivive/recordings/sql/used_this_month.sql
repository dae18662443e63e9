-- Calls allowed since the month began, by medium, campaign and person: what the gate may not exceed after a loss.
SELECT medium, campaign, person_hi, person_lo, COUNT(DISTINCT (contact_hi, contact_lo)) AS calls
FROM recording_answer
WHERE allowed AND asked_at >= $from_at AND (person_hi <> 0 OR person_lo <> 0)
GROUP BY medium, campaign, person_hi, person_lo
