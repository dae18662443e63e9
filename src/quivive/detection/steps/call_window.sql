-- Stretches in which the person was in a call: unidentified (E2) or identified (E15), cut in five-minute pieces so
-- that the join on time is a join on equality.
SELECT
    w.contact_hi, w.contact_lo, w.controller, w.ident_hi, w.ident_lo, w.from_at, w.to_at, w.anchor_at, w.shape,
    w.from_at // 300000000 + b.step AS piece
FROM contact_window w
LEFT JOIN contact_identified d ON d.controller = w.controller AND d.contact_hi = w.contact_hi AND d.contact_lo = w.contact_lo
JOIN piece_step b ON b.step <= w.to_at // 300000000 - w.from_at // 300000000
WHERE (w.shape = 'unidentified' AND d.contact_hi IS NULL)
    OR (w.shape IN ('call', 'wrap_up') AND d.contact_hi IS NOT NULL)
