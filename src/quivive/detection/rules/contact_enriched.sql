-- One row per contact, agent in it and customer: the customers it names, and the persons whose records it
-- explained (their orders, and rows only listed, are no further customers).
WITH near AS (
    SELECT c.*, CASE WHEN c.started_at > 0 THEN c.started_at WHEN c.offered_at > 0 THEN c.offered_at
        WHEN c.opened_at > 0 THEN c.opened_at WHEN c.assigned_at > 0 THEN c.assigned_at
        WHEN c.due_at > 0 THEN c.due_at ELSE c.ended_at END AS begun_at
    FROM contact c JOIN rule_controller r ON r.controller = c.controller
),
picked AS (SELECT n.* FROM near n CROSS JOIN rule_period p WHERE n.begun_at >= p.from_at AND n.begun_at < p.to_at),
gate_active AS (
    SELECT DISTINCT employer, establishment FROM gate_state WHERE module = 'access' AND state = 'active'
),
identity AS (
    SELECT DISTINCT s.contact_hi, s.contact_lo, s.controller, s.identity_kind, s.key_hi, s.key_lo
    FROM contact_subject s JOIN picked p ON p.contact_hi = s.contact_hi AND p.contact_lo = s.contact_lo
        AND p.controller = s.controller
),
customer AS (
    SELECT contact_hi, contact_lo, controller, key_hi, key_lo FROM identity WHERE identity_kind = 'record'
    UNION
    SELECT i.contact_hi, i.contact_lo, i.controller, l.right_hi, l.right_lo
    FROM identity i JOIN link l ON l.controller = i.controller AND l.left_hi = i.key_hi AND l.left_lo = i.key_lo
        AND l.left_kind = i.identity_kind
    WHERE i.identity_kind <> 'record'
    UNION
    SELECT v.contact_hi, v.contact_lo, v.controller, v.key_hi, v.key_lo
    FROM rule_verdict v
    JOIN picked p ON p.contact_hi = v.contact_hi AND p.contact_lo = v.contact_lo AND p.controller = v.controller
    JOIN rule_exposure e
        ON e.access_hi = v.access_hi AND e.access_lo = v.access_lo AND e.key_hi = v.key_hi AND e.key_lo = v.key_lo
    JOIN catalogue_table t
        ON t.controller = e.controller AND t.record_table = e.record_table AND t.table_kind = 'person'
    WHERE v.template <> 'E18'
)
SELECT DISTINCT
    p.begun_at AS event_at, p.controller, p.source,
    LPAD(LOWER(HEX(s.person_hi)), 16, '0') || LPAD(LOWER(HEX(s.person_lo)), 16, '0') AS ident,
    LPAD(LOWER(HEX(p.contact_hi)), 16, '0') || LPAD(LOWER(HEX(p.contact_lo)), 16, '0') AS contact,
    p.contact_kind, p.direction, p.queue, p.campaign, p.self_made,
    i.key_hi IS NOT NULL OR u.key_hi IS NOT NULL AS identified, p.started_at > 0 AS connected,
    CASE WHEN i.key_hi IS NULL THEN ''
        ELSE LPAD(LOWER(HEX(i.key_hi)), 16, '0') || LPAD(LOWER(HEX(i.key_lo)), 16, '0') END AS phone,
    CASE WHEN u.key_hi IS NULL THEN ''
        ELSE LPAD(LOWER(HEX(u.key_hi)), 16, '0') || LPAD(LOWER(HEX(u.key_lo)), 16, '0') END AS record,
    COALESCE(x.canary, 0) = 1 OR y.key_hi IS NOT NULL AS canary
FROM picked p
JOIN leg g ON g.contact_hi = p.contact_hi AND g.contact_lo = p.contact_lo AND g.controller = p.controller
JOIN account_span s
    ON s.controller = g.controller AND s.agent_hi = g.agent_hi AND s.agent_lo = g.agent_lo
    AND s.valid_from <= p.begun_at AND p.begun_at < s.valid_to
JOIN gate_active a ON a.employer = s.employer AND a.establishment = s.establishment
LEFT JOIN identity i ON i.contact_hi = p.contact_hi AND i.contact_lo = p.contact_lo AND i.controller = p.controller
    AND i.identity_kind = 'phone'
LEFT JOIN customer u ON u.contact_hi = p.contact_hi AND u.contact_lo = p.contact_lo AND u.controller = p.controller
LEFT JOIN rule_noticed_key x ON x.controller = p.controller AND x.key_hi = u.key_hi AND x.key_lo = u.key_lo
LEFT JOIN rule_canary_contact y ON y.controller = p.controller AND y.key_hi = i.key_hi AND y.key_lo = i.key_lo
WHERE s.informed_at > 0 AND s.informed_at <= p.begun_at
