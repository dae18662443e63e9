-- Second step of `accesses_by_subject`: which accesses showed the keys that `links_of` has found, newest first.
WITH linked AS (SELECT unnest($linked_hi) AS key_hi, unnest($linked_lo) AS key_lo)
SELECT DISTINCT e.access_hi, e.access_lo, e.started_at
FROM scoped_exposure e JOIN linked k ON k.key_hi = e.key_hi AND k.key_lo = e.key_lo
WHERE $before_at IS NULL OR e.started_at < $before_at
ORDER BY e.started_at DESC, e.access_hi, e.access_lo
LIMIT COALESCE($limit, 200)
