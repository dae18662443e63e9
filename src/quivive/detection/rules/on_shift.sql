-- Accesses inside a planned shift of their agent, with a tolerance before and after.
SELECT DISTINCT h.access_hi, h.access_lo
FROM rule_held h
JOIN rule_shift s ON s.person_hi = h.person_hi AND s.person_lo = h.person_lo
    AND h.started_at >= s.from_at - {tolerance} AND h.started_at < s.to_at + {tolerance}
WHERE h.held_by = 'person'
