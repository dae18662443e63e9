-- Who saw this subject: its keys, and everything linked to them (orders, contracts, alternate keys), newest first.
-- `_shown.sql` has found the accesses; only the days that hold them are read here.
WITH shown AS (
    SELECT unnest($shown_hi) AS access_hi, unnest($shown_lo) AS access_lo, unnest($shown_at) AS started_at
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
