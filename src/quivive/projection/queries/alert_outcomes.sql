-- Alerts of the period by topic, severity, state and outcome, with the delay from opening to the last change (seconds).
SELECT
    a.controller, a.topic, a.severity, COALESCE(s.state, 'open') AS state, COALESCE(s.outcome, 'none') AS outcome,
    COUNT(*) AS alerts,
    CAST(MAX(COALESCE(s.changed_at, $as_of) - a.opened_at) / 1000000 AS BIGINT) AS longest_s
FROM scoped_alert a
LEFT JOIN alert_state s ON s.alert_hi = a.alert_hi AND s.alert_lo = a.alert_lo
GROUP BY a.controller, a.topic, a.severity, COALESCE(s.state, 'open'), COALESCE(s.outcome, 'none')
ORDER BY a.controller, a.topic, a.severity, state, outcome
