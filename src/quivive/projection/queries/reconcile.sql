-- Two sources of one database, statement by statement: what only one of them tells. Sections `hour` and `only` (by
-- tables and action); counts only, nobody. Clocks are corrected by $skew_us, instants may differ by $tolerance_us.
-- Each round looks at what the rounds before left over: the same record, then the same agent, tables and action in
-- the same stretch of time, then the same tables, then a view that the log tells table by table, then a statement that
-- each side calls by other tables, and what follows a cursor that the log declares once.
WITH first_row AS (
    SELECT
        access_hi, access_lo, started_at, controller, agent_hi, agent_lo, "action",
        array_to_string(list_sort(string_split(tables, ',')), ',') AS tables, outcome,
        CASE WHEN ended_at > 0 THEN ended_at ELSE started_at END AS told_at
    FROM all_access WHERE source = $first_source
),
second_row AS (
    SELECT
        access_hi, access_lo, started_at, controller, agent_hi, agent_lo, "action",
        array_to_string(list_sort(string_split(tables, ',')), ',') AS tables, coverage, row_count,
        started_at - $skew_us AS told_at
    FROM told_twice WHERE source = $second_source
    UNION ALL
    SELECT
        access_hi, access_lo, started_at, controller, agent_hi, agent_lo, "action",
        array_to_string(list_sort(string_split(tables, ',')), ',') AS tables, coverage, row_count,
        started_at - $skew_us AS told_at
    FROM all_access WHERE source = $second_source
),
second_key AS (
    -- One record of each access of the second source, the least: what it asked for, the first one showed.
    SELECT access_hi, access_lo, MIN(key_hi) AS key_hi, MIN(key_lo) AS key_lo FROM (
        SELECT k.*, ROW_NUMBER() OVER (PARTITION BY access_hi, access_lo ORDER BY key_hi, key_lo) AS nth FROM (
            SELECT access_hi, access_lo, key_hi, key_lo FROM told_twice_key
            UNION ALL
            SELECT e.access_hi, e.access_lo, e.key_hi, e.key_lo FROM scoped_exposure e
            JOIN second_row s ON s.access_hi = e.access_hi AND s.access_lo = e.access_lo
        ) k
    ) WHERE nth = 1
    GROUP BY access_hi, access_lo
),
same_record AS (
    SELECT
        f.access_hi AS first_hi, f.access_lo AS first_lo, s.access_hi AS second_hi, s.access_lo AS second_lo,
        ABS(f.told_at - s.told_at) AS apart_us
    FROM second_row s
    JOIN second_key k ON k.access_hi = s.access_hi AND k.access_lo = s.access_lo
    JOIN scoped_exposure e ON e.controller = s.controller AND e.key_hi = k.key_hi AND e.key_lo = k.key_lo
    JOIN first_row f
        ON f.access_hi = e.access_hi AND f.access_lo = e.access_lo AND f.started_at = e.started_at
        AND f."action" = s."action" AND f.tables = s.tables
    WHERE f.told_at BETWEEN s.told_at - $tolerance_us AND s.told_at + $tolerance_us
        AND (
            (f.agent_hi = s.agent_hi AND f.agent_lo = s.agent_lo) OR (s.agent_hi = 0 AND s.agent_lo = 0)
            OR (f.agent_hi = 0 AND f.agent_lo = 0)
        )
),
nearest AS (
    -- Each the other's nearest: one statement is never two.
    SELECT first_hi, first_lo, second_hi, second_lo FROM (
        SELECT
            r.*,
            ROW_NUMBER() OVER (
                PARTITION BY first_hi, first_lo ORDER BY apart_us, second_hi, second_lo
            ) AS of_first,
            ROW_NUMBER() OVER (
                PARTITION BY second_hi, second_lo ORDER BY apart_us, first_hi, first_lo
            ) AS of_second
        FROM same_record r
    ) WHERE of_first = 1 AND of_second = 1
),
told AS (
    SELECT 1 AS side, f.*, '' AS coverage, CAST(0 AS BIGINT) AS row_count
    FROM first_row f
    WHERE NOT EXISTS (SELECT 1 FROM nearest n WHERE n.first_hi = f.access_hi AND n.first_lo = f.access_lo)
    UNION ALL
    SELECT
        2, s.access_hi, s.access_lo, s.started_at, s.controller, s.agent_hi, s.agent_lo, s."action", s.tables, '',
        s.told_at, s.coverage, s.row_count
    FROM second_row s
    WHERE NOT EXISTS (SELECT 1 FROM nearest n WHERE n.second_hi = s.access_hi AND n.second_lo = s.access_lo)
),
-- The same agent, tables and action: in a stretch without a longer silence than the tolerance, as many of one
-- source as of the other are the same statements.
agent_step AS (
    SELECT
        t.*,
        CASE WHEN told_at - LAG(told_at) OVER (
            PARTITION BY controller, agent_hi, agent_lo, "action", tables ORDER BY told_at, side, access_hi, access_lo
        ) <= $tolerance_us THEN 0 ELSE 1 END AS begins
    FROM told t
),
agent_stretch AS (
    SELECT
        t.*,
        SUM(begins) OVER (
            PARTITION BY controller, agent_hi, agent_lo, "action", tables ORDER BY told_at, side, access_hi, access_lo
            ROWS UNBOUNDED PRECEDING
        ) AS stretch
    FROM agent_step t
),
agent_counted AS (
    SELECT
        t.*,
        SUM(CASE WHEN side = 1 THEN 1 ELSE 0 END) OVER (
            PARTITION BY controller, agent_hi, agent_lo, "action", tables, stretch
        ) AS firsts,
        SUM(CASE WHEN side = 2 THEN 1 ELSE 0 END) OVER (
            PARTITION BY controller, agent_hi, agent_lo, "action", tables, stretch
        ) AS seconds,
        ROW_NUMBER() OVER (
            PARTITION BY controller, agent_hi, agent_lo, "action", tables, stretch, side
            ORDER BY told_at, access_hi, access_lo
        ) AS nth
    FROM agent_stretch t
),
-- The same tables: a second source may not know the agent, or call the action otherwise.
table_step AS (
    SELECT
        t.* EXCLUDE (begins, stretch, firsts, seconds, nth),
        CASE WHEN told_at - LAG(told_at) OVER (
            PARTITION BY controller, tables ORDER BY told_at, side, access_hi, access_lo
        ) <= $tolerance_us THEN 0 ELSE 1 END AS begins
    FROM agent_counted t
    WHERE nth > LEAST(firsts, seconds)
),
table_stretch AS (
    SELECT
        t.*,
        SUM(begins) OVER (
            PARTITION BY controller, tables ORDER BY told_at, side, access_hi, access_lo ROWS UNBOUNDED PRECEDING
        ) AS stretch
    FROM table_step t
),
table_counted AS (
    SELECT
        t.*,
        SUM(CASE WHEN side = 1 THEN 1 ELSE 0 END) OVER (PARTITION BY controller, tables, stretch) AS firsts,
        SUM(CASE WHEN side = 2 THEN 1 ELSE 0 END) OVER (PARTITION BY controller, tables, stretch) AS seconds,
        ROW_NUMBER() OVER (
            PARTITION BY controller, tables, stretch, side ORDER BY told_at, access_hi, access_lo
        ) AS nth
    FROM table_stretch t
),
other_tables AS (
    SELECT * EXCLUDE (begins, stretch, firsts, seconds, nth) FROM table_counted WHERE nth > LEAST(firsts, seconds)
),
set_pair AS (
    SELECT f.tables AS first_tables, s.tables AS second_tables
    FROM (SELECT DISTINCT tables FROM other_tables WHERE side = 1) f
    JOIN (SELECT DISTINCT tables FROM other_tables WHERE side = 2) s
        ON f.tables <> s.tables AND list_contains(string_split(f.tables, ','), s.tables)
),
neighbour AS (
    SELECT * FROM (VALUES (-1), (0), (1)) AS n (step)
),
part_of AS (
    -- A log that tells table by table what the first source tells as one statement: each table once.
    SELECT first_hi, first_lo, second_hi, second_lo FROM (
        SELECT
            f.access_hi AS first_hi, f.access_lo AS first_lo, s.access_hi AS second_hi, s.access_lo AS second_lo,
            ROW_NUMBER() OVER (
                PARTITION BY f.access_hi, f.access_lo, s.tables
                ORDER BY ABS(f.told_at - s.told_at), s.access_hi, s.access_lo
            ) AS of_first,
            ROW_NUMBER() OVER (
                PARTITION BY s.access_hi, s.access_lo ORDER BY ABS(f.told_at - s.told_at), f.access_hi, f.access_lo
            ) AS of_second
        FROM other_tables s
        JOIN set_pair p ON p.second_tables = s.tables
        CROSS JOIN neighbour n
        JOIN other_tables f
            ON f.side = 1 AND f.controller = s.controller AND f.tables = p.first_tables
            AND f.told_at // $tolerance_us = s.told_at // $tolerance_us + n.step
        WHERE s.side = 2 AND f.told_at BETWEEN s.told_at - $tolerance_us AND s.told_at + $tolerance_us
            AND ((f.agent_hi = s.agent_hi AND f.agent_lo = s.agent_lo) OR (s.agent_hi = 0 AND s.agent_lo = 0))
    ) WHERE of_first = 1 AND of_second = 1
),
parted AS (
    SELECT first_hi AS access_hi, first_lo AS access_lo FROM part_of
    UNION SELECT second_hi, second_lo FROM part_of
),
unnamed AS (
    SELECT o.* FROM other_tables o
    WHERE NOT EXISTS (SELECT 1 FROM parted p WHERE p.access_hi = o.access_hi AND p.access_lo = o.access_lo)
),
by_moment AS (
    SELECT side, controller, tables, told_at // $tolerance_us AS moment, COUNT(*) AS statements
    FROM unnamed GROUP BY side, controller, tables, told_at // $tolerance_us
),
-- The log's tables of a statement (it may name the owner of a foreign key), and those of the first source that come
-- at the same moments the most and share one.
called AS (
    SELECT controller, second_tables, first_tables FROM (
        SELECT
            s.controller, s.tables AS second_tables, f.tables AS first_tables,
            ROW_NUMBER() OVER (
                PARTITION BY s.controller, s.tables ORDER BY SUM(LEAST(s.statements, f.statements)) DESC, f.tables
            ) AS nth
        FROM by_moment s
        JOIN by_moment f ON f.side = 1 AND f.controller = s.controller AND f.moment = s.moment
        WHERE s.side = 2 AND f.tables <> s.tables
            AND list_has_any(string_split(f.tables, ','), string_split(s.tables, ','))
        GROUP BY s.controller, s.tables, f.tables
    ) WHERE nth = 1
),
call_step AS (
    SELECT
        u.*, COALESCE(c.first_tables, u.tables) AS called_tables,
        CASE WHEN u.told_at - LAG(u.told_at) OVER (
            PARTITION BY u.controller, COALESCE(c.first_tables, u.tables)
            ORDER BY u.told_at, u.side, u.access_hi, u.access_lo
        ) <= $tolerance_us THEN 0 ELSE 1 END AS begins
    FROM unnamed u
    LEFT JOIN called c ON u.side = 2 AND c.controller = u.controller AND c.second_tables = u.tables
),
call_stretch AS (
    SELECT
        t.*,
        SUM(begins) OVER (
            PARTITION BY controller, called_tables ORDER BY told_at, side, access_hi, access_lo
            ROWS UNBOUNDED PRECEDING
        ) AS stretch
    FROM call_step t
),
call_counted AS (
    SELECT
        t.*,
        SUM(CASE WHEN side = 1 THEN 1 ELSE 0 END) OVER (PARTITION BY controller, called_tables, stretch) AS firsts,
        SUM(CASE WHEN side = 2 THEN 1 ELSE 0 END) OVER (PARTITION BY controller, called_tables, stretch) AS seconds,
        ROW_NUMBER() OVER (
            PARTITION BY controller, called_tables, stretch, side ORDER BY told_at, access_hi, access_lo
        ) AS nth
    FROM call_stretch t
),
alone AS (
    SELECT * FROM call_counted WHERE nth > LEAST(firsts, seconds)
),
fetched AS (
    -- Rows fetched from a cursor: the log tells its declaration once, without a size.
    SELECT DISTINCT f.access_hi, f.access_lo
    FROM alone f
    JOIN second_row s
        ON s.controller = f.controller AND s.tables = f.tables AND s.coverage = 'opaque' AND s.row_count = 0
        AND f.told_at BETWEEN s.told_at AND s.told_at + $cursor_us
        AND ((f.agent_hi = s.agent_hi AND f.agent_lo = s.agent_lo) OR (s.agent_hi = 0 AND s.agent_lo = 0))
    WHERE f.side = 1
),
verdict_of AS (
    SELECT
        a.side, a.controller, a.tables, a."action", a.told_at,
        CASE
            WHEN a.side = 2 AND g.controller IS NOT NULL THEN 'second_in_gap'
            WHEN a.side = 2 THEN 'second_only'
            WHEN a.outcome NOT IN ('ok', 'attempted') THEN 'not_expected'
            WHEN g.controller IS NOT NULL THEN 'first_in_gap'
            ELSE 'first_only'
        END AS standing
    FROM alone a
    LEFT JOIN fetched h ON a.side = 1 AND h.access_hi = a.access_hi AND h.access_lo = a.access_lo
    LEFT JOIN (
        SELECT DISTINCT d.controller, a2.access_hi, a2.access_lo FROM gap d
        JOIN alone a2
            ON a2.controller = d.controller
            AND d.source = CASE WHEN a2.side = 1 THEN $second_source ELSE $first_source END
            AND a2.told_at BETWEEN d.from_at - $tolerance_us AND d.to_at + $tolerance_us
    ) g ON g.access_hi = a.access_hi AND g.access_lo = a.access_lo
    WHERE h.access_hi IS NULL
),
whole AS (
    SELECT controller, told_at, 1 AS side FROM first_row
    UNION ALL SELECT controller, told_at, 2 FROM second_row
),
by_hour AS (
    SELECT
        controller, told_at - told_at % 3600000000 AS hour_at,
        SUM(CASE WHEN side = 1 THEN 1 ELSE 0 END) AS firsts, SUM(CASE WHEN side = 2 THEN 1 ELSE 0 END) AS seconds
    FROM whole WHERE told_at >= $count_from AND told_at < $count_to
    GROUP BY controller, told_at - told_at % 3600000000
),
left_by_hour AS (
    SELECT
        controller, told_at - told_at % 3600000000 AS hour_at,
        SUM(CASE WHEN standing = 'second_only' THEN 1 ELSE 0 END) AS second_only,
        SUM(CASE WHEN standing = 'second_in_gap' THEN 1 ELSE 0 END) AS second_in_gap,
        SUM(CASE WHEN standing = 'first_only' THEN 1 ELSE 0 END) AS first_only,
        SUM(CASE WHEN standing = 'first_in_gap' THEN 1 ELSE 0 END) AS first_in_gap,
        SUM(CASE WHEN standing = 'not_expected' THEN 1 ELSE 0 END) AS not_expected
    FROM verdict_of WHERE told_at >= $count_from AND told_at < $count_to
    GROUP BY controller, told_at - told_at % 3600000000
)
SELECT
    'hour' AS section, h.controller, h.hour_at, '' AS tables, '' AS "action", '' AS standing,
    CAST(h.firsts AS BIGINT) AS firsts, CAST(h.seconds AS BIGINT) AS seconds,
    CAST(COALESCE(l.second_only, 0) AS BIGINT) AS second_only,
    CAST(COALESCE(l.second_in_gap, 0) AS BIGINT) AS second_in_gap,
    CAST(COALESCE(l.first_only, 0) AS BIGINT) AS first_only,
    CAST(COALESCE(l.first_in_gap, 0) AS BIGINT) AS first_in_gap,
    CAST(COALESCE(l.not_expected, 0) AS BIGINT) AS not_expected, CAST(0 AS BIGINT) AS statements
FROM by_hour h LEFT JOIN left_by_hour l ON l.controller = h.controller AND l.hour_at = h.hour_at
UNION ALL
SELECT 'only', controller, 0, tables, "action", standing, 0, 0, 0, 0, 0, 0, 0, COUNT(*)
FROM verdict_of WHERE told_at >= $count_from AND told_at < $count_to AND standing <> 'not_expected'
GROUP BY controller, tables, "action", standing
ORDER BY section, controller, hour_at, standing, tables, "action"
