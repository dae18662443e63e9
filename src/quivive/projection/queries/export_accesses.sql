-- Every access of the scope, oldest first, one row each: the pages of an export. The next page is the accesses after
-- ($after_at, $after_access); a page is cut before anything is joined, so that each costs the same. $to_explain keeps
-- what the page "to explain" holds: final, unexplained, of an agent whom the gate lets be named.
WITH paged AS (
    SELECT access_hi, access_lo, started_at FROM all_access
    WHERE ($action IS NULL OR "action" = $action)
        AND (
            $after_at IS NULL OR started_at > $after_at
            OR (started_at = $after_at AND printf('%016x%016x', access_hi, access_lo) > $after_access)
        )
    ORDER BY started_at, access_hi, access_lo
    LIMIT COALESCE($limit, 5000)
),
bounds AS (SELECT MIN(started_at) AS first_at, MAX(started_at) AS last_at FROM paged),
picked AS (
    SELECT a.* FROM scoped_access a
    JOIN paged p ON p.access_hi = a.access_hi AND p.access_lo = a.access_lo AND p.started_at = a.started_at
    WHERE a.started_at BETWEEN (SELECT first_at FROM bounds) AND (SELECT last_at FROM bounds)
),
{worst},
open_verdict AS (
    SELECT DISTINCT v.access_hi, v.access_lo, v.started_at
    FROM scoped_verdict v
    JOIN picked p ON p.access_hi = v.access_hi AND p.access_lo = v.access_lo AND p.started_at = v.started_at
    WHERE $to_explain IS NOT NULL AND v.verdict = 'unexplained' AND v.final AND NOT v.late
)
SELECT
    {row}, {episode} AS episode,
    $to_explain IS NULL OR (ident_hi IS NOT NULL AND EXISTS (
        SELECT 1 FROM open_verdict o
        WHERE o.access_hi = judged.access_hi AND o.access_lo = judged.access_lo AND o.started_at = judged.started_at
    )) AS wanted
FROM judged
ORDER BY started_at, access_hi, access_lo
