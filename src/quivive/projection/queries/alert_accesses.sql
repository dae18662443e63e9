-- The accesses an alert rests on, and those of the hits that joined it, oldest first, each with its verdict of now.
-- The scope's period is that of the accesses.
WITH picked AS (
    SELECT a.* FROM scoped_access a
    JOIN alert_access x ON x.access_hi = a.access_hi AND x.access_lo = a.access_lo AND x.controller = a.controller
    WHERE x.alert_hi = $alert_hi AND x.alert_lo = $alert_lo AND a.ident_hi IS NOT NULL
),
{worst}
SELECT
    {row}
FROM judged
ORDER BY started_at, access_hi, access_lo
LIMIT COALESCE($limit, 500)
