-- One access by its id.
WITH picked AS (SELECT * FROM scoped_access WHERE access_hi = $access_hi AND access_lo = $access_lo),
{worst}
SELECT
    {row}
FROM judged
