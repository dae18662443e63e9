-- Live activity: one row per episode, newest first. The newest accesses are taken before they are grouped,
-- so that the page costs the same whatever the size of the scope.
WITH picked AS (
    SELECT * FROM scoped_access
    WHERE ($controller IS NULL OR controller = $controller)
        AND ($action IS NULL OR "action" = $action)
        AND ($before_at IS NULL OR started_at < $before_at)
    ORDER BY started_at DESC, access_hi, access_lo
    LIMIT CASE WHEN $verdict IS NULL THEN 4000 ELSE 40000 END
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
    FROM ranked WHERE nth = 1
)
ORDER BY last_at DESC, episode
LIMIT COALESCE($limit, 100)
