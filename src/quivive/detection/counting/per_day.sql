-- One row per agent and local day: distinct subjects of each measure, contacts, the main kind and queue of the day,
-- and when the person began (0 unknown).
WITH counted AS (
    SELECT
        u.controller, u.ident_hi, u.ident_lo, d.day,
        COUNT(DISTINCT CASE WHEN u.measure = 'unexplained' THEN concat(u.subject_hi, '/', u.subject_lo) END) AS unexplained,
        COUNT(DISTINCT CASE WHEN u.measure = 'weak_excess' THEN concat(u.subject_hi, '/', u.subject_lo) END) AS weak_excess,
        COUNT(DISTINCT CASE WHEN u.measure = 'self_made' THEN concat(u.subject_hi, '/', u.subject_lo) END) AS self_made
    FROM unit_subject u
    JOIN local_day d ON d.controller = u.controller AND u.started_at >= d.from_at AND u.started_at < d.to_at
    GROUP BY u.controller, u.ident_hi, u.ident_lo, d.day
),
by_queue AS (
    SELECT controller, ident_hi, ident_lo, day, contact_kind, queue, COUNT(*) AS contacts FROM handled
    GROUP BY controller, ident_hi, ident_lo, day, contact_kind, queue
),
main_queue AS (
    SELECT * FROM (
        SELECT
            q.controller, q.ident_hi, q.ident_lo, q.day, q.contact_kind, q.queue,
            SUM(contacts) OVER (PARTITION BY controller, ident_hi, ident_lo, day) AS contacts,
            ROW_NUMBER() OVER (
                PARTITION BY controller, ident_hi, ident_lo, day ORDER BY contacts DESC, contact_kind, queue
            ) AS nth
        FROM by_queue q
    ) AS ranked WHERE nth = 1
),
both_sides AS (
    SELECT controller, ident_hi, ident_lo, day FROM counted
    UNION SELECT controller, ident_hi, ident_lo, day FROM main_queue
)
SELECT
    b.controller, b.ident_hi, b.ident_lo, b.day, COALESCE(c.unexplained, 0) AS unexplained,
    COALESCE(c.weak_excess, 0) AS weak_excess, COALESCE(c.self_made, 0) AS self_made,
    CAST(COALESCE(m.contacts, 0) AS BIGINT) AS contacts,
    COALESCE(m.contact_kind, '') AS contact_kind, COALESCE(m.queue, '') AS queue,
    CASE WHEN p.active_from > 0 AND d.from_at - p.active_from < 2592000000000 THEN 'new' ELSE 'settled' END AS tenure
FROM both_sides b
JOIN local_day d ON d.controller = b.controller AND d.day = b.day
LEFT JOIN counted c
    ON c.controller = b.controller AND c.ident_hi = b.ident_hi AND c.ident_lo = b.ident_lo AND c.day = b.day
LEFT JOIN main_queue m
    ON m.controller = b.controller AND m.ident_hi = b.ident_hi AND m.ident_lo = b.ident_lo AND m.day = b.day
LEFT JOIN agent p ON p.person_hi = b.ident_hi AND p.person_lo = b.ident_lo
LEFT JOIN gated g ON g.employer = p.employer AND g.establishment = p.establishment
WHERE g.establishment IS NOT NULL OR (p.person_hi IS NULL AND EXISTS (SELECT 1 FROM gated))
ORDER BY b.controller, b.ident_hi, b.ident_lo, b.day
