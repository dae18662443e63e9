-- What the gate answered, by campaign, medium and reason: counts, nobody is named.
SELECT controller, medium, campaign, allowed, reason, COUNT(*) AS answers, MAX(asked_at) AS last_at
FROM recording_answer
WHERE list_contains($controllers, controller) AND asked_at >= $from_at AND asked_at < $to_at
GROUP BY controller, medium, campaign, allowed, reason
ORDER BY controller, medium, campaign, answers DESC, reason
LIMIT COALESCE($limit, 500)
