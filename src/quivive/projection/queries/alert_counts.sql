-- How many alerts stand in each state, and since when the oldest waits. Nobody is named.
SELECT
    a.controller, COALESCE(s.state, 'open') AS state, COUNT(*) AS alerts, MIN(a.opened_at) AS oldest_at
FROM scoped_alert a
LEFT JOIN alert_state s ON s.alert_hi = a.alert_hi AND s.alert_lo = a.alert_lo
GROUP BY a.controller, COALESCE(s.state, 'open')
ORDER BY a.controller, COALESCE(s.state, 'open')
