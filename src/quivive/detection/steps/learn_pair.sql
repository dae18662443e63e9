-- Accesses near an identified call of the same person with the same customer, up to the hard maxima, where no other
-- contact of that person names that customer so near: how long before its beginning and after its end.
WITH named AS (
    SELECT s.controller, s.contact_hi, s.contact_lo, s.key_hi, s.key_lo FROM contact_subject s
    JOIN contact_near c ON c.contact_hi = s.contact_hi AND c.contact_lo = s.contact_lo
    UNION
    SELECT s.controller, s.contact_hi, s.contact_lo, l.right_hi, l.right_lo FROM contact_subject s
    JOIN contact_near c ON c.contact_hi = s.contact_hi AND c.contact_lo = s.contact_lo
    JOIN link l ON l.controller = s.controller AND l.left_hi = s.key_hi AND l.left_lo = s.key_lo
    LEFT JOIN catalogue_table t ON t.controller = l.controller AND t.record_table = l.right_table
    WHERE COALESCE(t.table_kind, 'person') = 'person'
),
pair AS (
    SELECT DISTINCT
        g.controller, g.source, g.queue, g.contact_hi, g.contact_lo, g.place, g.direction, g.ident_hi, g.ident_lo,
        g.began_at, g.hung_up_at, g.wrapped_at, a.access_hi, a.access_lo, a.started_at
    FROM contact_leg g
    JOIN learn_reach r ON r.place = g.place
    JOIN named n ON n.contact_hi = g.contact_hi AND n.contact_lo = g.contact_lo
    JOIN learn_exposure e ON e.controller = n.controller AND e.key_hi = n.key_hi AND e.key_lo = n.key_lo
    JOIN work_access a ON a.access_hi = e.access_hi AND a.access_lo = e.access_lo
        AND a.ident_hi = g.ident_hi AND a.ident_lo = g.ident_lo
    WHERE g.contact_kind = 'call' AND g.leg_role = 'agent' AND g.began_at > 0 AND g.hung_up_at > 0
        AND a.started_at >= g.began_at - r.before_us AND a.started_at <= g.hung_up_at + r.after_us
)
SELECT p.*
FROM pair p
JOIN (
    SELECT access_hi, access_lo, COUNT(*) AS calls
    FROM (SELECT DISTINCT access_hi, access_lo, contact_hi, contact_lo FROM pair) AS c
    GROUP BY access_hi, access_lo
) AS u ON u.access_hi = p.access_hi AND u.access_lo = p.access_lo AND u.calls = 1
