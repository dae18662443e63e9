-- By what means the statements of each source and application name their agent. Nobody is named; accounts as in
-- `coverage_by_application`.
WITH told AS (
    SELECT
        controller, source, program,
        CASE WHEN list_contains($accounts, concat(account_hi, '/', account_lo)) THEN account_hi ELSE 0 END AS account_hi,
        CASE WHEN list_contains($accounts, concat(account_hi, '/', account_lo)) THEN account_lo ELSE 0 END AS account_lo,
        attribution, 1 AS statements
    FROM all_access
    UNION ALL
    SELECT controller, source, '', 0, 0, 'dry', statements_attributed FROM statement_count
    WHERE dry AND list_contains($controllers, controller) AND minute_at >= $from_at AND minute_at < $to_at
    UNION ALL
    SELECT controller, source, '', 0, 0, 'none', statements - statements_attributed FROM statement_count
    WHERE dry AND list_contains($controllers, controller) AND minute_at >= $from_at AND minute_at < $to_at
)
SELECT
    controller, source, program, account_hi, account_lo, attribution, CAST(SUM(statements) AS BIGINT) AS statements
FROM told
GROUP BY controller, source, program, account_hi, account_lo, attribution
HAVING SUM(statements) > 0
ORDER BY controller, source, program, account_hi, account_lo, attribution
