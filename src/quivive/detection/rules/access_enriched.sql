-- One row per access: the flat view of the rules. Flags that cannot be told are NULL, and NULL is never a hit.
-- Withheld accesses are left out: before the gate nothing is counted per person (DESIGN 11).
SELECT
    h.started_at AS event_at, h.access_hi, h.access_lo,
    LPAD(LOWER(HEX(h.access_hi)), 16, '0') || LPAD(LOWER(HEX(h.access_lo)), 16, '0') AS access,
    h.controller, h.source, h.grade,
    CASE h.held_by
        WHEN 'person' THEN LPAD(LOWER(HEX(h.person_hi)), 16, '0') || LPAD(LOWER(HEX(h.person_lo)), 16, '0')
        WHEN 'login' THEN LPAD(LOWER(HEX(h.login_hi)), 16, '0') || LPAD(LOWER(HEX(h.login_lo)), 16, '0')
        ELSE ''
    END AS ident,
    CASE WHEN h.held_by = 'nobody' THEN ''
        ELSE LPAD(LOWER(HEX(h.login_hi)), 16, '0') || LPAD(LOWER(HEX(h.login_lo)), 16, '0') END AS login,
    h."action" AS action, h.outcome, h.attribution, h.coverage, h.shape,
    CASE WHEN h.tables = '' THEN '' ELSE ',' || LOWER(h.tables) || ',' END AS tables,
    CASE WHEN h.columns = '' THEN '' ELSE ',' || LOWER(h.columns) || ',' END AS columns,
    CASE WHEN h.changed = '' THEN '' ELSE ',' || LOWER(h.changed) || ',' END AS changed,
    h.row_count AS rows, h.distinct_count AS records, h.pattern_class,
    CASE WHEN h.pattern_class <> '' THEN h.fixed_chars END AS fixed_chars,
    COALESCE(n.neighbourhoods, 0) AS neighbourhoods,
    CASE WHEN n.neighbourhoods = 1 THEN LPAD(LOWER(HEX(n.neighbourhood)), 16, '0') ELSE '' END AS neighbourhood,
    CASE WHEN h.session_hi = 0 AND h.session_lo = 0 THEN ''
        ELSE LPAD(LOWER(HEX(h.session_hi)), 16, '0') || LPAD(LOWER(HEX(h.session_lo)), 16, '0') END AS session,
    CASE WHEN h.workstation_hi = 0 AND h.workstation_lo = 0 THEN ''
        ELSE LPAD(LOWER(HEX(h.workstation_hi)), 16, '0') || LPAD(LOWER(HEX(h.workstation_lo)), 16, '0')
    END AS workstation,
    h.zone, COALESCE(z.site, '') AS zone_site, COALESCE(z.country, '') AS zone_country, h.program,
    CASE WHEN h.contact_hi = 0 AND h.contact_lo = 0 THEN ''
        ELSE LPAD(LOWER(HEX(h.contact_hi)), 16, '0') || LPAD(LOWER(HEX(h.contact_lo)), 16, '0') END AS contact,
    h.held_by = 'login' AND h.agent_hi = 0 AND h.agent_lo = 0 AS service,
    CASE WHEN h.held_by <> 'nobody' THEN h.known END AS known,
    CASE WHEN h.held_by = 'person' THEN
        h.started_at >= p.active_from AND (p.active_to = 0 OR h.started_at < p.active_to) END AS active,
    CASE WHEN h.held_by = 'person' AND m.controllers > 0 THEN d.person_hi IS NOT NULL END AS assigned,
    CASE
        WHEN h.held_by <> 'person' OR r.person_hi IS NULL THEN NULL
        WHEN o.access_hi IS NOT NULL THEN TRUE
        WHEN h.started_at < e.known_to AND h.started_at < f.complete_to THEN FALSE
    END AS on_shift,
    CASE WHEN h.held_by = 'person' AND z.site <> '' AND p.site <> '' THEN z.site = p.site END AS site_match,
    CASE WHEN h.held_by = 'person' AND z.country <> '' AND p.country <> '' THEN z.country = p.country
        END AS country_match,
    COALESCE(v.vip, 0) = 1 AS vip, COALESCE(v.canary, 0) = 1 AS canary,
    COALESCE(t.shown_names, '') AS sensitive_shown, COALESCE(u.names, '') AS sensitive_changed,
    CASE j.verdict_rank WHEN 4 THEN 'unexplained' WHEN 3 THEN 'unknown' WHEN 2 THEN 'pending' WHEN 1 THEN 'explained' ELSE ''
        END AS verdict,
    CASE j.weakness WHEN 3 THEN 'weak' WHEN 2 THEN 'medium' WHEN 1 THEN 'strong' ELSE 'none' END AS strength,
    COALESCE(j.final, FALSE) AS final
FROM rule_held h
LEFT JOIN agent p ON p.person_hi = h.person_hi AND p.person_lo = h.person_lo
LEFT JOIN assignment d
    ON d.person_hi = h.person_hi AND d.person_lo = h.person_lo AND d.controller = h.controller
LEFT JOIN (SELECT person_hi, person_lo, COUNT(*) AS controllers FROM assignment GROUP BY person_hi, person_lo) AS m
    ON m.person_hi = h.person_hi AND m.person_lo = h.person_lo
LEFT JOIN zone z ON z.zone = h.zone
LEFT JOIN rule_neighbourhood n ON n.access_hi = h.access_hi AND n.access_lo = h.access_lo
LEFT JOIN rule_rostered r ON r.person_hi = h.person_hi AND r.person_lo = h.person_lo
LEFT JOIN rule_on_shift o ON o.access_hi = h.access_hi AND o.access_lo = h.access_lo
LEFT JOIN rule_roster_to e ON e.employer = h.employer AND e.establishment = h.establishment
CROSS JOIN rule_roster_complete f
LEFT JOIN rule_noticed v ON v.access_hi = h.access_hi AND v.access_lo = h.access_lo
LEFT JOIN rule_sensitive t ON t.controller = h.controller AND t.listed = h.columns
LEFT JOIN rule_sensitive u ON u.controller = h.controller AND u.listed = h.changed
LEFT JOIN rule_judged j ON j.access_hi = h.access_hi AND j.access_lo = h.access_lo
WHERE h.held_by <> 'withheld'
