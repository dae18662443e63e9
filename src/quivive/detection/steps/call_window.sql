-- Stretches in which the person was in a call: unidentified (E2) or identified (E15), cut in ten-minute pieces so
-- that the join on time is a join on equality.
WITH in_call AS (
    SELECT
        w.contact_hi, w.contact_lo, w.controller, w.ident_hi, w.ident_lo, w.from_at, w.to_at, w.anchor_at, w.shape,
        w.template, w.strength, w.priority, w.cap, w.from_at - w.from_at % 600000000 AS first_piece, w.to_at - w.to_at % 600000000 AS last_piece
    FROM contact_window w
    LEFT JOIN (SELECT DISTINCT contact_hi, contact_lo FROM contact_identity WHERE identifies = 1) AS d
        ON d.contact_hi = w.contact_hi AND d.contact_lo = w.contact_lo
    WHERE (w.shape = 'unidentified' AND d.contact_hi IS NULL)
        OR (w.shape = 'call' AND d.contact_hi IS NOT NULL)
)
SELECT
    contact_hi, contact_lo, controller, ident_hi, ident_lo, from_at, to_at, anchor_at, shape, template, strength,
    priority, cap, first_piece AS piece
FROM in_call
UNION ALL
SELECT
    w.contact_hi, w.contact_lo, w.controller, w.ident_hi, w.ident_lo, w.from_at, w.to_at, w.anchor_at, w.shape,
    w.template, w.strength, w.priority, w.cap, w.first_piece + b.step * 600000000
FROM in_call w JOIN piece_step b ON b.step >= 1 AND b.step * 600000000 <= w.last_piece - w.first_piece
WHERE w.last_piece > w.first_piece
