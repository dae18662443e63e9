-- How well the records of one source's statements can be told. Section `class`: by application and coverage class;
-- section `statement`: the statements that leave the most rows untold, by shape, tables and class. In dry only the
-- counts per minute are known, without a program. Nobody is named: an account appears only if it is one of $accounts,
-- the declared accounts of applications.
WITH told AS (
    SELECT
        controller, program,
        CASE WHEN list_contains($accounts, concat(account_hi, '/', account_lo)) THEN account_hi ELSE 0 END AS account_hi,
        CASE WHEN list_contains($accounts, concat(account_hi, '/', account_lo)) THEN account_lo ELSE 0 END AS account_lo,
        shape, tables, "action", coverage, CASE WHEN columns <> '' THEN 1 ELSE 0 END AS has_columns,
        1 AS statements, row_count
    FROM all_access WHERE source = $source AND outcome IN ('ok', 'attempted')
    UNION ALL
    SELECT controller, '', 0, 0, shape, tables, "action", coverage, 1, statements, row_count
    FROM statement_count
    WHERE source = $source AND dry AND list_contains($controllers, controller)
        AND minute_at >= $from_at AND minute_at < $to_at
),
worst AS (
    SELECT
        controller, program, account_hi, account_lo, shape, tables, "action", coverage,
        MAX(has_columns) = 1 AS has_columns, SUM(statements) AS statements, SUM(row_count) AS row_count
    FROM told
    WHERE coverage IN ('opaque', 'count_only')
    GROUP BY controller, program, account_hi, account_lo, shape, tables, "action", coverage
    ORDER BY
        SUM(row_count) DESC, SUM(statements) DESC, controller, program, account_hi, account_lo, shape, tables, "action",
        coverage
    LIMIT COALESCE($limit, 50)
)
SELECT
    'class' AS section, controller, program, account_hi, account_lo, '' AS shape, '' AS tables, '' AS "action", coverage,
    TRUE AS has_columns, CAST(SUM(statements) AS BIGINT) AS statements, CAST(SUM(row_count) AS BIGINT) AS "rows"
FROM told
GROUP BY controller, program, account_hi, account_lo, coverage
UNION ALL
SELECT
    'statement', controller, program, account_hi, account_lo, shape, tables, "action", coverage, has_columns,
    CAST(statements AS BIGINT), CAST(row_count AS BIGINT)
FROM worst
ORDER BY
    section, "rows" DESC, statements DESC, controller, program, account_hi, account_lo, shape, tables, "action", coverage
