-- Callers' objections, by call.
SELECT contact_hi, contact_lo, MIN(objected_at) AS objected_at FROM objection
WHERE list_contains($controllers, controller) AND objected_at >= $from_at
GROUP BY contact_hi, contact_lo
