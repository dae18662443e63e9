-- Answers of a day that rest on a draw.
SELECT controller, campaign, campaign_version, contact_hi, contact_lo, draw, allowed, reason, asked_at
FROM recording_answer
WHERE list_contains($controllers, controller) AND day = $day AND draw >= 0
