-- What was shown to one person in the period, by action, coverage, tables and columns: the categories of a breach.
SELECT
    a."action", a.coverage, a.tables, a.columns, COUNT(*) AS accesses, SUM(a.row_count) AS shown_rows,
    MIN(a.started_at) AS first_at, MAX(a.started_at) AS last_at
FROM scoped_access a
WHERE a.ident_hi = $person_hi AND a.ident_lo = $person_lo
GROUP BY a."action", a.coverage, a.tables, a.columns
ORDER BY accesses DESC, a."action", a.coverage, a.tables, a.columns
LIMIT COALESCE($limit, 500)
