-- How the alerts of each company stand: open, closed, open since before $overdue_at; and days before $today
-- that have a digest and no attestation. Nobody is named.
SELECT
    c.controller, COALESCE(t.open_alerts, 0) AS open_alerts, COALESCE(t.closed_alerts, 0) AS closed_alerts,
    COALESCE(t.overdue_alerts, 0) AS overdue_alerts, COALESCE(d.days, 0) AS unattested_days
FROM (SELECT UNNEST($controllers) AS controller) c
LEFT JOIN (
    SELECT
        a.controller,
        COUNT(*) FILTER (WHERE COALESCE(s.state, 'open') = 'open') AS open_alerts,
        COUNT(*) FILTER (WHERE COALESCE(s.state, 'open') NOT IN ('open', 'muted')) AS closed_alerts,
        COUNT(*) FILTER (WHERE COALESCE(s.state, 'open') = 'open' AND a.opened_at < $overdue_at) AS overdue_alerts
    FROM scoped_alert a
    LEFT JOIN alert_state s ON s.alert_hi = a.alert_hi AND s.alert_lo = a.alert_lo
    GROUP BY a.controller
) t ON t.controller = c.controller
LEFT JOIN (
    SELECT g.controller, COUNT(DISTINCT g.day) AS days FROM alert_digest g
    WHERE g.day < $today AND NOT EXISTS (SELECT 1 FROM attestation n WHERE n.controller = g.controller AND n.day = g.day)
    GROUP BY g.controller
) d ON d.controller = c.controller
ORDER BY c.controller
