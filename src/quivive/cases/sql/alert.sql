-- The alert behind a case: whom, about what, which stretch with the hits that joined; none when it may not be shown.
SELECT
    a.controller, a.ident_hi, a.ident_lo, a.topic, a.from_at,
    GREATEST(a.to_at, COALESCE((
        SELECT MAX(c.to_at) FROM alert_change c WHERE c.alert_hi = a.alert_hi AND c.alert_lo = a.alert_lo AND c.is_hit
    ), 0)) AS to_at,
    a.opened_at
FROM alert a
LEFT JOIN agent p ON p.person_hi = a.ident_hi AND p.person_lo = a.ident_lo
LEFT JOIN gate_state g
    ON g.employer = p.employer AND g.establishment = p.establishment AND g.module = 'access' AND g.state = 'active'
WHERE a.alert_hi = $alert_hi AND a.alert_lo = $alert_lo AND list_contains($controllers, a.controller)
    AND (p.person_hi IS NULL OR g.establishment IS NOT NULL)
