-- Which person opened which record in which week: what shares are made of. Where the gate lets the person be named.
SELECT DISTINCT
    a.controller, w.day AS week, e.key_hi, e.key_lo,
    CASE WHEN k.agent_hi IS NULL THEN a.agent_hi ELSE s.person_hi END AS ident_hi,
    CASE WHEN k.agent_hi IS NULL THEN a.agent_lo ELSE s.person_lo END AS ident_lo
FROM all_access a
JOIN all_exposure e ON e.started_at = a.started_at AND e.access_hi = a.access_hi AND e.access_lo = a.access_lo
JOIN local_day w ON w.controller = a.controller AND a.started_at >= w.from_at AND a.started_at < w.to_at
LEFT JOIN agent_known k ON k.controller = a.controller AND k.agent_hi = a.agent_hi AND k.agent_lo = a.agent_lo
LEFT JOIN account_span s
    ON s.controller = a.controller AND s.agent_hi = a.agent_hi AND s.agent_lo = a.agent_lo
    AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
LEFT JOIN gated g ON g.employer = s.employer AND g.establishment = s.establishment
WHERE list_contains($controllers, a.controller) AND (a.agent_hi <> 0 OR a.agent_lo <> 0)
    AND (
        (k.agent_hi IS NULL AND EXISTS (SELECT 1 FROM gated))
        OR (s.informed_at > 0 AND s.informed_at <= a.started_at AND g.establishment IS NOT NULL)
    )
