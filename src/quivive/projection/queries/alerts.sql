-- Alerts, newest first. $state NULL gives all; page on with $before_at and $before_alert (32 hex digits).
SELECT
    a.alert_hi, a.alert_lo, a.opened_at, a.controller, a.ident_hi, a.ident_lo, a.topic, a.origin, a.severity,
    COALESCE(s.state, 'open') AS state, COALESCE(s.outcome, 'none') AS outcome,
    COALESCE(s.changed_at, a.opened_at) AS changed_at,
    a.from_at, GREATEST(a.to_at, COALESCE(j.to_at, 0)) AS to_at, a.day, a.p_milli, a.facts, a.rule_version,
    COALESCE(j.hits, 0) AS joined,
    (SELECT COUNT(*) FROM alert_access x WHERE x.alert_hi = a.alert_hi AND x.alert_lo = a.alert_lo) AS accesses
FROM scoped_alert a
LEFT JOIN alert_state s ON s.alert_hi = a.alert_hi AND s.alert_lo = a.alert_lo
LEFT JOIN (
    SELECT alert_hi, alert_lo, COUNT(*) AS hits, MAX(to_at) AS to_at FROM alert_change WHERE is_hit
    GROUP BY alert_hi, alert_lo
) j ON j.alert_hi = a.alert_hi AND j.alert_lo = a.alert_lo
WHERE ($state IS NULL OR COALESCE(s.state, 'open') = $state)
    AND ($controller IS NULL OR a.controller = $controller)
    AND (
        $before_at IS NULL OR a.opened_at < $before_at
        OR (a.opened_at = $before_at AND printf('%016x%016x', a.alert_hi, a.alert_lo) > $before_alert)
    )
ORDER BY a.opened_at DESC, a.alert_hi, a.alert_lo
LIMIT COALESCE($limit, 100)
