-- Live activity: one row per episode, newest first. The newest accesses are taken before they are grouped, so that the
-- page costs the same whatever the size of the scope; then the rest of their episodes, so that each is whole. A page
-- holds the episodes that ended before `before_at`: one that straddles two pages stands on the first only.
WITH recent AS (
    SELECT access_hi, access_lo, started_at, controller, agent_hi, agent_lo FROM all_access
    WHERE ($controller IS NULL OR controller = $controller)
        AND ($action IS NULL OR "action" = $action)
        AND ($before_at IS NULL OR started_at < $before_at)
    ORDER BY started_at DESC, access_hi, access_lo
    LIMIT CASE WHEN $verdict IS NULL THEN 4000 ELSE 40000 END
),
bounds AS (SELECT MIN(started_at) AS from_at, MAX(started_at) AS to_at FROM recent),
evidence AS (
    SELECT DISTINCT v.contact_hi, v.contact_lo
    FROM scoped_verdict v JOIN recent p
        ON p.access_hi = v.access_hi AND p.access_lo = v.access_lo AND p.started_at = v.started_at
    WHERE v.contact_hi <> 0 OR v.contact_lo <> 0
),
wanted AS (
    SELECT access_hi, access_lo, started_at FROM recent
    UNION SELECT v.access_hi, v.access_lo, v.started_at
    FROM scoped_verdict v
    JOIN evidence e ON e.contact_hi = v.contact_hi AND e.contact_lo = v.contact_lo
    CROSS JOIN bounds b
    WHERE v.started_at BETWEEN b.from_at - 18000000000 AND b.to_at + 18000000000
    UNION SELECT a.access_hi, a.access_lo, a.started_at
    FROM all_access a CROSS JOIN bounds b
    WHERE a.started_at BETWEEN b.from_at - b.from_at % 300000000 AND b.to_at - b.to_at % 300000000 + 299999999
),
picked AS (
    SELECT a.* FROM scoped_access a
    JOIN wanted w ON w.started_at = a.started_at AND w.access_hi = a.access_hi AND w.access_lo = a.access_lo
    WHERE ($controller IS NULL OR a.controller = $controller)
        AND ($action IS NULL OR a."action" = $action)
),
{worst},
told AS (
    SELECT *, {episode} AS episode
    FROM judged WHERE $verdict IS NULL OR verdict = $verdict
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY episode
            ORDER BY
                CASE verdict
                    WHEN 'unexplained' THEN 1 WHEN 'unknown' THEN 2 WHEN 'pending' THEN 3 WHEN 'explained' THEN 4 ELSE 5
                END,
                CASE strength WHEN 'weak' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
                started_at DESC, access_hi, access_lo
        ) AS nth,
        COUNT(*) OVER (PARTITION BY episode) AS episode_statements,
        SUM(distinct_count) OVER (PARTITION BY episode) AS episode_records,
        MIN(started_at) OVER (PARTITION BY episode) AS first_at,
        MAX(started_at) OVER (PARTITION BY episode) AS last_at
    FROM told
)
SELECT * REPLACE (episode_statements AS statements, last_at AS "at") FROM (
    SELECT
        {row}, episode, episode_statements, CAST(episode_records AS BIGINT) AS records, first_at, last_at
    FROM ranked WHERE nth = 1 AND ($before_at IS NULL OR last_at < $before_at)
)
ORDER BY last_at DESC, episode
LIMIT COALESCE($limit, 100)
