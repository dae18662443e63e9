-- Who looked at the traces, why, how often: acts of the period by principal, role and purpose. Acts of agents about
-- themselves are left out; a company sees the acts that concerned it.
SELECT
    act, principal, "role", purpose, COUNT(*) AS times, SUM(count) AS shown, MIN(acted_at) AS first_at, MAX(acted_at) AS last_at
FROM act
WHERE acted_at >= $from_at AND acted_at < $to_at AND "role" <> 'agent'
    AND (controllers = '' OR len(list_intersect(string_split(controllers, ','), $controllers)) > 0)
GROUP BY act, principal, "role", purpose
ORDER BY act, principal, "role", purpose
