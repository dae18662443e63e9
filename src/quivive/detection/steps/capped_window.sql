-- Calls in which a cap may count (E2, E15), before anybody knows who called: the rest of such a call must be looked
-- at too. Cut in pieces as in `call_window`. `work_span` is the period that the work holds whole (a replay's): calls
-- inside it need nothing more.
WITH named AS (
    SELECT s.contact_hi, s.contact_lo, MAX(CASE WHEN s.identity_kind = 'record' THEN 1 ELSE 0 END) AS by_record
    FROM contact_subject s JOIN contact_near c ON c.contact_hi = s.contact_hi AND c.contact_lo = s.contact_lo
    GROUP BY s.contact_hi, s.contact_lo
),
in_call AS (
    SELECT
        w.contact_hi, w.contact_lo, w.controller, w.ident_hi, w.ident_lo, w.from_at, w.to_at, w.shape,
        w.from_at - w.from_at % 600000000 AS first_piece, w.to_at - w.to_at % 600000000 AS last_piece
    FROM contact_window w
    CROSS JOIN work_span p
    LEFT JOIN named n ON n.contact_hi = w.contact_hi AND n.contact_lo = w.contact_lo
    WHERE (w.from_at < p.from_at OR w.to_at >= p.to_at)
        AND ((w.shape = 'unidentified' AND COALESCE(n.by_record, 0) = 0)
            OR (w.shape = 'call' AND n.contact_hi IS NOT NULL))
)
SELECT
    w.contact_hi, w.contact_lo, w.controller, w.ident_hi, w.ident_lo, w.from_at, w.to_at, w.shape,
    w.first_piece + b.step * 600000000 AS piece
FROM in_call w JOIN piece_step b ON b.step * 600000000 <= w.last_piece - w.first_piece
