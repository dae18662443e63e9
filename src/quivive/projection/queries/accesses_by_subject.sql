-- Who saw this subject: its keys, and everything linked to them (orders, contracts, alternate keys), newest first.
WITH {linked},
shown AS (
    SELECT DISTINCT e.access_hi, e.access_lo, e.started_at
    FROM scoped_exposure e JOIN linked k ON k.key_hi = e.key_hi AND k.key_lo = e.key_lo
    WHERE $before_at IS NULL OR e.started_at < $before_at
    ORDER BY e.started_at DESC, e.access_hi, e.access_lo
    LIMIT COALESCE($limit, 200)
),
picked AS (
    SELECT a.* FROM scoped_access a
    JOIN shown s ON s.started_at = a.started_at AND s.access_hi = a.access_hi AND s.access_lo = a.access_lo
),
{worst}
SELECT
    {row}
FROM judged
ORDER BY started_at DESC, access_hi, access_lo
