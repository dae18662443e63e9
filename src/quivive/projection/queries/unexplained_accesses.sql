-- The accesses behind one row of `unexplained`, oldest first.
WITH picked AS (
    SELECT a.* FROM scoped_access a
    WHERE a.ident_hi IS NOT NULL
        AND md5(concat_ws(':', 'hour', controller, ident_hi, ident_lo, started_at // 3600000000)) = $episode
),
{worst}
SELECT
    {row}
FROM judged WHERE verdict = 'unexplained'
ORDER BY started_at, access_hi, access_lo
LIMIT COALESCE($limit, 500)
