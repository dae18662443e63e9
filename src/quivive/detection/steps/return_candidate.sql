-- Later units of the same persons, within a day, that have no reason but perhaps a return.
SELECT DISTINCT v.access_hi, v.access_lo, v.started_at, v.controller, v.key_hi, v.key_lo
FROM (
    SELECT s.controller, s.first_at, s.last_at, k.agent_hi, k.agent_lo
    FROM (
        SELECT controller, ident_hi, ident_lo, MIN(started_at) AS first_at, MAX(started_at) AS last_at
        FROM strong_unit GROUP BY controller, ident_hi, ident_lo
    ) AS s
    JOIN account k ON k.controller = s.controller AND k.person_hi = s.ident_hi AND k.person_lo = s.ident_lo
    UNION
    SELECT controller, MIN(started_at), MAX(started_at), ident_hi, ident_lo
    FROM strong_unit GROUP BY controller, ident_hi, ident_lo
) AS s
JOIN template t ON t.shape = 'return'
JOIN all_access a ON a.controller = s.controller AND a.agent_hi = s.agent_hi AND a.agent_lo = s.agent_lo
JOIN verdict_current v ON v.started_at = a.started_at AND v.access_hi = a.access_hi AND v.access_lo = a.access_lo
LEFT JOIN target x ON x.access_hi = v.access_hi AND x.access_lo = v.access_lo
WHERE a.started_at > s.first_at AND a.started_at <= s.last_at + t.before_us AND x.access_hi IS NULL
    AND v.template IN ('none', 'E17', 'E22', 'E18') AND v.verdict <> 'not_applicable'
