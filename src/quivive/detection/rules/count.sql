-- event_count, value_count and value_sum over true sliding windows. An event (of a value: until the value comes again)
-- is alive from its instant to `span` later, both included; a sweep over births and ends gives the number alive at
-- each birth. Marked are the events of every window that reaches the threshold.
WITH alive AS (
    SELECT controller, grp, event_at, weight,
        CASE WHEN next_at <= event_at + {span} THEN next_at ELSE event_at + {span} + 1 END AS end_at
    FROM (
        SELECT controller, grp, event_at, weight,
            {next} AS next_at
        FROM event
    ) AS following
),
step AS (
    SELECT controller, grp, step_at, SUM(weight) AS weight, MAX(born) AS born
    FROM (
        SELECT controller, grp, event_at AS step_at, weight, 1 AS born FROM alive
        UNION ALL
        SELECT controller, grp, end_at, -weight, 0 FROM alive
    ) AS change
    GROUP BY controller, grp, step_at
),
reached AS (
    SELECT controller, grp, step_at, born,
        SUM(weight) OVER (PARTITION BY controller, grp ORDER BY step_at ROWS UNBOUNDED PRECEDING) AS reached
    FROM step
),
satisfied AS (
    SELECT controller, grp, step_at,
        CASE WHEN born = 1 AND reached >= {at_least} AND step_at >= {from_at} THEN reached ELSE 0 END AS reached,
        MIN(CASE WHEN born = 1 AND reached >= {at_least} AND step_at >= {from_at} THEN step_at END) OVER (
            PARTITION BY controller, grp ORDER BY step_at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS hit_at
    FROM reached
)
SELECT e.event_at, e.controller, e.ident, e.access, e.row_count, e.record_count, e.fixed_chars, e.record, s.hit_at,
    CAST(s.reached AS BIGINT) AS reached
FROM event e
JOIN satisfied s ON s.controller = e.controller AND s.grp = e.grp AND s.step_at = e.event_at
WHERE s.hit_at <= e.event_at + {span}
