-- One row per access and record shown or changed: the access, the record, and the verdict of this exposure.
SELECT
    a.event_at, a.access_hi, a.access_lo, a.access, a.controller, a.source, a.grade, a.ident, a.login, a.action,
    a.outcome, a.attribution, a.coverage, a.shape, a.tables, a.columns, a.changed, a.rows, a.records,
    a.pattern_class, a.fixed_chars, a.neighbourhoods, a.neighbourhood, a.session, a.workstation, a.zone, a.zone_site,
    a.zone_country, a.program, a.contact, a.service, a.known, a.active, a.assigned, a.on_shift, a.site_match,
    a.country_match, a.sensitive_shown, a.sensitive_changed,
    LPAD(LOWER(HEX(e.key_hi)), 16, '0') || LPAD(LOWER(HEX(e.key_lo)), 16, '0') AS record,
    e.record_table, COALESCE(t.table_kind, '') AS table_kind,
    COALESCE(x.vip, 0) = 1 AS vip, COALESCE(x.canary, 0) = 1 AS canary,
    COALESCE(x.owner, '') <> '' AND x.owner = a.ident AS own_record,
    COALESCE(x.owner, '') <> '' AND x.owner <> a.ident AND a.ident <> '' AND NOT a.service AS colleague_record,
    COALESCE(u.verdict, w.verdict, 'pending') AS verdict, COALESCE(u.strength, w.strength, 'none') AS strength,
    COALESCE(u.final, w.final, FALSE) AS final, COALESCE(u.template, w.template, 'none') AS template,
    CASE WHEN COALESCE(u.contact_hi, w.contact_hi, 0) = 0 AND COALESCE(u.contact_lo, w.contact_lo, 0) = 0 THEN ''
        ELSE LPAD(LOWER(HEX(COALESCE(u.contact_hi, w.contact_hi))), 16, '0')
            || LPAD(LOWER(HEX(COALESCE(u.contact_lo, w.contact_lo))), 16, '0') END AS reason,
    COALESCE(c.contact_kind, '') AS reason_kind, COALESCE(c.self_made, FALSE) AS reason_self_made
FROM rule_exposure e
JOIN access_enriched a ON a.access_hi = e.access_hi AND a.access_lo = e.access_lo
LEFT JOIN catalogue_table t ON t.controller = e.controller AND t.record_table = e.record_table
LEFT JOIN rule_noticed_key x ON x.controller = e.controller AND x.key_hi = e.key_hi AND x.key_lo = e.key_lo
LEFT JOIN rule_verdict u
    ON u.access_hi = e.access_hi AND u.access_lo = e.access_lo AND u.key_hi = e.key_hi AND u.key_lo = e.key_lo
LEFT JOIN rule_verdict w
    ON w.access_hi = e.access_hi AND w.access_lo = e.access_lo AND w.key_hi = 0 AND w.key_lo = 0
LEFT JOIN contact c
    ON c.controller = e.controller AND c.contact_hi = COALESCE(u.contact_hi, w.contact_hi)
    AND c.contact_lo = COALESCE(u.contact_lo, w.contact_lo)
WHERE COALESCE(t.table_kind, '') <> 'reference'
