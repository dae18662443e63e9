-- Every act of one principal in the period, in order: what an inspection looked at, to be handed over.
SELECT acted_at, act, object, count, purpose, controllers
FROM act
WHERE principal = $principal AND acted_at >= $from_at AND acted_at < $to_at
    AND (controllers = '' OR len(list_intersect(string_split(controllers, ','), $controllers)) > 0)
ORDER BY acted_at, entry
LIMIT $limit
