-- How far the clock of a second source is from the first's, per controller: accesses of one record that each source
-- tells exactly once, so that they can only be each other.
WITH first_one AS (
    SELECT
        a.controller, a.agent_hi, a.agent_lo, a."action", e.key_hi, e.key_lo,
        MAX(CASE WHEN a.ended_at > 0 THEN a.ended_at ELSE a.started_at END) AS told_at
    FROM all_access a
    JOIN scoped_exposure e
        ON e.started_at = a.started_at AND e.access_hi = a.access_hi AND e.access_lo = a.access_lo
    WHERE a.source = $first_source
    GROUP BY a.controller, a.agent_hi, a.agent_lo, a."action", e.key_hi, e.key_lo
    HAVING COUNT(*) = 1
),
second_row AS (
    SELECT access_hi, access_lo, started_at, controller, agent_hi, agent_lo, "action" FROM told_twice
    WHERE source = $second_source
    UNION ALL
    SELECT access_hi, access_lo, started_at, controller, agent_hi, agent_lo, "action" FROM all_access
    WHERE source = $second_source
),
second_key AS (
    SELECT access_hi, access_lo, started_at, key_hi, key_lo FROM told_twice_key
    UNION ALL
    SELECT access_hi, access_lo, started_at, key_hi, key_lo FROM scoped_exposure
),
second_one AS (
    SELECT
        a.controller, a.agent_hi, a.agent_lo, a."action", k.key_hi, k.key_lo, MAX(a.started_at) AS told_at
    FROM second_row a
    JOIN second_key k
        ON k.started_at = a.started_at AND k.access_hi = a.access_hi AND k.access_lo = a.access_lo
    GROUP BY a.controller, a.agent_hi, a.agent_lo, a."action", k.key_hi, k.key_lo
    HAVING COUNT(*) = 1
)
SELECT
    f.controller, COUNT(*) AS pairs, CAST(quantile_disc(s.told_at - f.told_at, 0.5) AS BIGINT) AS median_us
FROM first_one f
JOIN second_one s
    ON s.controller = f.controller AND s.agent_hi = f.agent_hi AND s.agent_lo = f.agent_lo
    AND s."action" = f."action" AND s.key_hi = f.key_hi AND s.key_lo = f.key_lo
WHERE s.told_at - f.told_at BETWEEN -50400000000 AND 50400000000
GROUP BY f.controller
ORDER BY f.controller
