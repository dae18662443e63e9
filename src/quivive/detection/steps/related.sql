-- E15: subjects tied through a group to the customer of an identified call, the tie older than the access.
SELECT
    m.access_hi, m.access_lo, m.key_hi, m.key_lo, m.started_at, m.contact_hi, m.contact_lo, m.anchor_at,
    DENSE_RANK() OVER (
        PARTITION BY m.contact_hi, m.contact_lo, m.ident_hi, m.ident_lo
        ORDER BY m.first_at, m.subject_hi, m.subject_lo
    ) AS subject_rank
FROM (
    SELECT
        f.*,
        MIN(f.started_at) OVER (
            PARTITION BY f.contact_hi, f.contact_lo, f.ident_hi, f.ident_lo, f.subject_hi, f.subject_lo
        ) AS first_at
    FROM (
        SELECT DISTINCT
            l.access_hi, l.access_lo, l.key_hi, l.key_lo, l.started_at, l.subject_hi, l.subject_lo,
            w.contact_hi, w.contact_lo, w.ident_hi, w.ident_lo, w.anchor_at
        FROM leftover l
        JOIN call_window w
            ON w.controller = l.controller AND w.ident_hi = l.ident_hi AND w.ident_lo = l.ident_lo
            AND w.piece = l.started_at - l.started_at % 600000000
        JOIN contact_identity i
            ON i.controller = w.controller AND i.contact_hi = w.contact_hi AND i.contact_lo = w.contact_lo
        JOIN group_of g ON g.controller = i.controller AND g.subject_hi = i.subject_hi AND g.subject_lo = i.subject_lo
        JOIN group_of h
            ON h.controller = g.controller AND h.group_hi = g.group_hi AND h.group_lo = g.group_lo
            AND h.subject_hi = l.subject_hi AND h.subject_lo = l.subject_lo
        WHERE w.shape <> 'unidentified' AND g.known_at < l.started_at AND h.known_at < l.started_at
            AND l.started_at >= w.from_at AND l.started_at <= w.to_at
    ) AS f
) AS m
