-- For each access of an alert: the same agent's call before (or during) it and his next one. Labels are native references.
WITH listed AS (
    SELECT DISTINCT a.access_hi, a.access_lo, a.started_at, a.controller, a.ident_hi, a.ident_lo
    FROM scoped_access a
    JOIN alert_access x ON x.access_hi = a.access_hi AND x.access_lo = a.access_lo AND x.controller = a.controller
    WHERE x.alert_hi = $alert_hi AND x.alert_lo = $alert_lo AND a.ident_hi IS NOT NULL
),
calls AS (
    SELECT
        q.access_hi, q.access_lo, q.started_at, c.label,
        GREATEST(c.offered_at, c.started_at) AS begun_at, c.ended_at, c.contact_hi, c.contact_lo
    FROM listed q
    JOIN leg l ON l.controller = q.controller
    JOIN scoped_contact c ON c.controller = l.controller AND c.contact_hi = l.contact_hi AND c.contact_lo = l.contact_lo
    LEFT JOIN account_span s
        ON s.controller = l.controller AND s.agent_hi = l.agent_hi AND s.agent_lo = l.agent_lo
        AND s.valid_from <= q.started_at AND q.started_at < s.valid_to
    WHERE c.contact_kind = 'call' AND GREATEST(c.offered_at, c.started_at) > 0
        AND COALESCE(s.person_hi, l.agent_hi) = q.ident_hi AND COALESCE(s.person_lo, l.agent_lo) = q.ident_lo
),
ordered AS (
    SELECT
        c.*, c.begun_at <= c.started_at AS is_before,
        ROW_NUMBER() OVER (
            PARTITION BY c.access_hi, c.access_lo, c.begun_at <= c.started_at
            ORDER BY ABS(c.begun_at - c.started_at), c.contact_hi, c.contact_lo
        ) AS nth
    FROM calls c
)
SELECT
    q.access_hi, q.access_lo,
    COALESCE(b.label, '') AS before_label, COALESCE(b.begun_at, 0) AS before_from_at,
    COALESCE(b.ended_at, 0) AS before_to_at,
    COALESCE(n.label, '') AS after_label, COALESCE(n.begun_at, 0) AS after_from_at
FROM listed q
LEFT JOIN ordered b ON b.access_hi = q.access_hi AND b.access_lo = q.access_lo AND b.is_before AND b.nth = 1
LEFT JOIN ordered n ON n.access_hi = q.access_hi AND n.access_lo = q.access_lo AND NOT n.is_before AND n.nth = 1
ORDER BY q.started_at, q.access_hi, q.access_lo
