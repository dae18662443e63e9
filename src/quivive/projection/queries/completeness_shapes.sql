-- Statements of one period by shape: those that became an access, and those that were only counted.
WITH told AS (
    SELECT controller, shape, "action", tables, coverage, COUNT(*) AS statements, SUM(row_count)::BIGINT AS shown
    FROM all_access GROUP BY controller, shape, "action", tables, coverage
    UNION ALL
    SELECT controller, shape, "action", tables, coverage, SUM(statements)::BIGINT, SUM(row_count)::BIGINT
    FROM statement_count
    WHERE list_contains($controllers, controller) AND minute_at >= $from_at AND minute_at < $to_at
    GROUP BY controller, shape, "action", tables, coverage
)
SELECT
    controller, shape, "action", tables, coverage, SUM(statements)::BIGINT AS statements, SUM(shown)::BIGINT AS shown_rows
FROM told
GROUP BY controller, shape, "action", tables, coverage
ORDER BY statements DESC, controller, shape, "action", tables, coverage
LIMIT COALESCE($limit, 200)
