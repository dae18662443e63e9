-- E22: the person behind the access declared a reason for it. Only where nothing else explains.
SELECT DISTINCT
    u.access_hi, u.access_lo, u.key_hi, u.key_lo, 0 AS contact_hi, 0 AS contact_lo, t.template, t.strength,
    0 AS delta_us, 0 AS subject_rank
FROM return_unit u
JOIN template t ON t.shape = 'declared'
JOIN agent_word w
    ON w.controller = u.controller AND w.access_hi = u.access_hi AND w.access_lo = u.access_lo
    AND w.ident_hi = u.ident_hi AND w.ident_lo = u.ident_lo
LEFT JOIN reason r
    ON r.access_hi = u.access_hi AND r.access_lo = u.access_lo AND r.key_hi = u.key_hi AND r.key_lo = u.key_lo
WHERE r.access_hi IS NULL
