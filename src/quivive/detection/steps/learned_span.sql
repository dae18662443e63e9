-- From when to when each published set of learned parameters counts: until the next one's day.
SELECT
    controller, from_at,
    COALESCE(LEAD(from_at) OVER (PARTITION BY controller ORDER BY from_at), 9223372036854775807) AS to_at
FROM (SELECT DISTINCT controller, from_at FROM learned_set) AS s
