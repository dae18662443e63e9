-- Calls whose callers objected.
SELECT contact_hi, contact_lo, controller, objected_at FROM objection
WHERE list_contains($controllers, controller) AND objected_at >= $from_at AND objected_at < $to_at
ORDER BY objected_at DESC, contact_hi, contact_lo
