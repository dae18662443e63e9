-- Exposures of the target that no contact explains.
SELECT l.access_hi, l.access_lo, l.started_at, l.controller, l.ident_hi, l.ident_lo, l.key_hi, l.key_lo,
    l.subject_hi, l.subject_lo
FROM leftover l
JOIN target t ON t.access_hi = l.access_hi AND t.access_lo = l.access_lo
LEFT JOIN reason r
    ON r.access_hi = l.access_hi AND r.access_lo = l.access_lo AND r.key_hi = l.key_hi AND r.key_lo = l.key_lo
WHERE r.access_hi IS NULL
