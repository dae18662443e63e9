-- One alert ($alert, 32 hex digits) as it was opened, its state, and what happened since (`changes`, oldest first;
-- `is_hit` tells a hit that joined from a change of state). Its accesses: query `alert_accesses`.
SELECT
    a.alert_hi, a.alert_lo, a.opened_at, a.controller, a.ident_hi, a.ident_lo, a.topic, a.origin, a.severity,
    COALESCE(s.state, 'open') AS state, COALESCE(s.outcome, 'none') AS outcome,
    a.from_at, a.to_at, a.day, a.p_milli, a.rule_version, a.facts, a.freshness, a.would_explain,
    COALESCE(
        (SELECT list({
            'changed_at': c.changed_at, 'state': c.state, 'outcome': c.outcome, 'principal': c.principal,
            'is_hit': c.is_hit, 'day': c.day, 'from_at': c.from_at, 'to_at': c.to_at, 'facts': c.facts,
            'p_milli': c.p_milli
        } ORDER BY c.changed_at, c.tie)
        FROM alert_change c WHERE c.alert_hi = a.alert_hi AND c.alert_lo = a.alert_lo),
        []
    ) AS changes
FROM scoped_alert a
LEFT JOIN alert_state s ON s.alert_hi = a.alert_hi AND s.alert_lo = a.alert_lo
WHERE a.alert_hi = $alert_hi AND a.alert_lo = $alert_lo
