-- How well the records of one source's statements can be told, by application, statement shape, tables and class; the
-- statements that leave the most rows untold first. In dry only the counts per minute are known, without a program.
-- Nobody is named: an account appears only if it is one of $accounts, the declared accounts of applications.
WITH told AS (
    SELECT
        controller, program,
        CASE WHEN list_contains($accounts, concat(account_hi, '/', account_lo)) THEN account_hi ELSE 0 END AS account_hi,
        CASE WHEN list_contains($accounts, concat(account_hi, '/', account_lo)) THEN account_lo ELSE 0 END AS account_lo,
        shape, tables, "action", coverage, columns <> '' AS has_columns, pattern_class, 1 AS statements, row_count
    FROM all_access WHERE source = $source
    UNION ALL
    SELECT
        controller, '', 0, 0, shape, tables, "action", coverage, FALSE, '', statements, row_count
    FROM statement_count
    WHERE source = $source AND dry AND list_contains($controllers, controller)
        AND minute_at >= $from_at AND minute_at < $to_at
)
SELECT
    controller, program, account_hi, account_lo, shape, tables, "action", coverage,
    MAX(CASE WHEN has_columns THEN 1 ELSE 0 END) = 1 AS has_columns,
    MAX(CASE WHEN pattern_class = 'equals' THEN 1 ELSE 0 END) = 1 AS by_value,
    CAST(SUM(statements) AS BIGINT) AS statements, CAST(SUM(row_count) AS BIGINT) AS "rows"
FROM told
GROUP BY controller, program, account_hi, account_lo, shape, tables, "action", coverage
ORDER BY
    CASE WHEN coverage IN ('opaque', 'count_only') THEN 0 ELSE 1 END, "rows" DESC, statements DESC, controller, program,
    account_hi, account_lo, shape, tables, "action", coverage
LIMIT COALESCE($limit, 5000)
