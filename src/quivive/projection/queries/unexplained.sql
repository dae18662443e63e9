-- Exposures without a reason, final, by agent × controller × hour; newest first. Only where the gate lets an
-- agent be named: before `active` nothing is shown. A revision never opens what was closed (`late`).
WITH picked AS (
    SELECT a.* FROM scoped_access a
    WHERE a.ident_hi IS NOT NULL
        AND ($controller IS NULL OR a.controller = $controller)
        AND ($before_at IS NULL OR a.started_at < $before_at)
        AND EXISTS (
            SELECT 1 FROM scoped_verdict v
            WHERE v.access_hi = a.access_hi AND v.access_lo = a.access_lo AND v.started_at = a.started_at
                AND v.verdict = 'unexplained' AND v.final AND NOT v.late
        )
),
{worst},
told AS (
    SELECT *, md5(concat_ws(':', 'hour', controller, ident_hi, ident_lo, started_at // 3600000000)) AS episode
    FROM judged
),
records AS (
    SELECT t.episode, COUNT(*) AS units, COUNT(DISTINCT CASE WHEN v.key_hi = 0 AND v.key_lo = 0 THEN NULL
        ELSE concat(v.key_hi, '/', v.key_lo) END) AS records
    FROM told t JOIN scoped_verdict v
        ON v.access_hi = t.access_hi AND v.access_lo = t.access_lo AND v.started_at = t.started_at
    WHERE v.verdict = 'unexplained'
    GROUP BY t.episode
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY episode ORDER BY distinct_count DESC, started_at DESC, access_hi, access_lo)
            AS nth,
        COUNT(*) OVER (PARTITION BY episode) AS episode_statements,
        MIN(started_at) OVER (PARTITION BY episode) AS first_at,
        MAX(started_at) OVER (PARTITION BY episode) AS last_at,
        -- A listing counts what it showed: its keys are kept for look-up but judged as one.
        MAX(CASE WHEN distinct_count > 20 THEN distinct_count ELSE 0 END) OVER (PARTITION BY episode) AS listed
    FROM told
)
SELECT * REPLACE (episode_statements AS statements, last_at AS "at") FROM (
    SELECT
        {row}, episode, episode_statements,
        CAST(GREATEST(records, listed) AS BIGINT) AS records, first_at, last_at,
        NOT EXISTS (SELECT 1 FROM agent p WHERE p.person_hi = ident_hi AND p.person_lo = ident_lo)
            OR EXISTS (
                SELECT 1 FROM scoped_assignment s
                WHERE s.person_hi = ident_hi AND s.person_lo = ident_lo AND s.controller = ranked.controller
            ) AS assigned
    FROM ranked JOIN records USING (episode) WHERE nth = 1
)
ORDER BY last_at DESC, episode
LIMIT COALESCE($limit, 200)
