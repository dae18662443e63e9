-- The accesses of one episode, oldest first.
WITH picked AS (SELECT * FROM scoped_access),
{worst},
told AS (SELECT *, {episode} AS episode FROM judged)
SELECT
    {row}, episode
FROM told WHERE episode = $episode
ORDER BY started_at, access_hi, access_lo
LIMIT COALESCE($limit, 500)
