-- The same measures by hour, for everybody who opened anything in that hour: only to see a common cause.
WITH counted AS (
    SELECT
        controller, ident_hi, ident_lo, started_at - started_at % 3600000000 AS hour_at,
        COUNT(DISTINCT CASE WHEN measure = 'unexplained' THEN concat(subject_hi, '/', subject_lo) END) AS unexplained,
        COUNT(DISTINCT CASE WHEN measure = 'weak_excess' THEN concat(subject_hi, '/', subject_lo) END) AS weak_excess,
        COUNT(DISTINCT CASE WHEN measure = 'self_made' THEN concat(subject_hi, '/', subject_lo) END) AS self_made
    FROM unit_subject
    GROUP BY controller, ident_hi, ident_lo, started_at - started_at % 3600000000
),
present AS (
    SELECT DISTINCT
        a.controller, a.started_at - a.started_at % 3600000000 AS hour_at,
        COALESCE(s.person_hi, a.agent_hi) AS ident_hi, COALESCE(s.person_lo, a.agent_lo) AS ident_lo
    FROM all_access a
    LEFT JOIN account_span s
        ON s.controller = a.controller AND s.agent_hi = a.agent_hi AND s.agent_lo = a.agent_lo
        AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
    WHERE list_contains($controllers, a.controller) AND a.started_at >= $from_at AND a.started_at < $to_at
        AND (a.agent_hi <> 0 OR a.agent_lo <> 0)
)
SELECT
    p.controller, p.ident_hi, p.ident_lo, p.hour_at, COALESCE(c.unexplained, 0) AS unexplained,
    COALESCE(c.weak_excess, 0) AS weak_excess, COALESCE(c.self_made, 0) AS self_made
FROM present p
LEFT JOIN counted c
    ON c.controller = p.controller AND c.ident_hi = p.ident_hi AND c.ident_lo = p.ident_lo AND c.hour_at = p.hour_at
ORDER BY p.controller, p.hour_at, p.ident_hi, p.ident_lo
