-- Alerts of some controllers, their state, and when they last changed.
SELECT
    printf('%016x%016x', a.alert_hi, a.alert_lo) AS alert, a.controller,
    printf('%016x%016x', a.ident_hi, a.ident_lo) AS ident, a.topic, a.origin, a.severity, a.opened_at, a.day,
    COALESCE(s.state, 'open') AS state, COALESCE(j.changed_at, a.opened_at) AS changed_at
FROM alert a
LEFT JOIN (
    SELECT alert_hi, alert_lo, state FROM (
        SELECT
            c.*,
            ROW_NUMBER() OVER (
                PARTITION BY alert_hi, alert_lo
                ORDER BY CASE WHEN state = 'reviewed' THEN 1 ELSE 0 END DESC, changed_at DESC, tie DESC
            ) AS nth
        FROM alert_change c WHERE NOT is_hit
    ) AS ranked WHERE nth = 1
) AS s ON s.alert_hi = a.alert_hi AND s.alert_lo = a.alert_lo
LEFT JOIN (SELECT alert_hi, alert_lo, MAX(changed_at) AS changed_at FROM alert_change GROUP BY alert_hi, alert_lo) AS j
    ON j.alert_hi = a.alert_hi AND j.alert_lo = a.alert_lo
WHERE list_contains($controllers, a.controller)
ORDER BY a.alert_hi, a.alert_lo
