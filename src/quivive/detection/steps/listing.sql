-- E18: rows of a search result not opened, where the same account then opened one of them with a reason.
WITH listed AS (
    SELECT DISTINCT
        a.access_hi, a.access_lo, a.started_at, a.controller, a.agent_hi, a.agent_lo, s.subject_hi, s.subject_lo,
        t.template, t.strength, t.after_us
    FROM target q
    JOIN work_access a ON a.access_hi = q.access_hi AND a.access_lo = q.access_lo
    JOIN template t ON t.shape = 'listing'
    JOIN work_size n ON n.access_hi = a.access_hi AND n.access_lo = a.access_lo AND n.subjects BETWEEN 2 AND t.cap
    JOIN work_subject s ON s.access_hi = a.access_hi AND s.access_lo = a.access_lo
    WHERE a.ident_hi <> 0 OR a.ident_lo <> 0
),
opened AS (
    SELECT DISTINCT
        o.access_hi, o.access_lo, o.started_at, o.controller, o.agent_hi, o.agent_lo, z.subject_hi, z.subject_lo,
        r.key_hi, r.key_lo, r.contact_hi, r.contact_lo
    FROM work_access o
    JOIN work_size m ON m.access_hi = o.access_hi AND m.access_lo = o.access_lo AND m.subjects = 1
    JOIN work_subject z ON z.access_hi = o.access_hi AND z.access_lo = o.access_lo
    JOIN reason r
        ON r.access_hi = z.access_hi AND r.access_lo = z.access_lo AND r.key_hi = z.key_hi AND r.key_lo = z.key_lo
)
SELECT access_hi, access_lo, contact_hi, contact_lo, template, strength, delta_us
FROM (
    SELECT
        a.access_hi, a.access_lo, o.contact_hi, o.contact_lo, a.template, a.strength,
        a.started_at - o.started_at AS delta_us,
        ROW_NUMBER() OVER (
            PARTITION BY a.access_hi, a.access_lo ORDER BY o.started_at, o.access_hi, o.access_lo, o.key_hi, o.key_lo
        ) AS nth
    FROM listed a
    JOIN opened o
        ON o.controller = a.controller AND o.agent_hi = a.agent_hi AND o.agent_lo = a.agent_lo
        AND o.subject_hi = a.subject_hi AND o.subject_lo = a.subject_lo
    WHERE o.started_at >= a.started_at AND o.started_at <= a.started_at + a.after_us
        AND (o.access_hi <> a.access_hi OR o.access_lo <> a.access_lo)
) AS ranked
WHERE nth = 1
