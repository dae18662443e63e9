-- Contacts handled by each person, with the day and the queue: what counts are compared to. A contact that the agent
-- made himself is no exposure: it would make room for itself.
SELECT DISTINCT
    h.controller, d.day, h.contact_hi, h.contact_lo, h.contact_kind, h.queue,
    COALESCE(s.person_hi, h.agent_hi) AS ident_hi, COALESCE(s.person_lo, h.agent_lo) AS ident_lo
FROM (
    SELECT
        c.controller, c.contact_hi, c.contact_lo, c.contact_kind,
        CASE WHEN c.queue <> '' THEN c.queue ELSE c.campaign END AS queue, l.agent_hi, l.agent_lo,
        CASE
            WHEN c.contact_kind = 'call' AND l.from_at > 0 THEN l.from_at
            WHEN c.contact_kind = 'call' THEN c.started_at
            WHEN c.contact_kind = 'callback' THEN c.due_at
            WHEN c.contact_kind = 'list_member' THEN GREATEST(c.offered_at, c.started_at)
            ELSE COALESCE(t.touched_at, GREATEST(c.assigned_at, c.opened_at))
        END AS handled_at
    FROM contact c
    JOIN leg l ON l.contact_hi = c.contact_hi AND l.contact_lo = c.contact_lo
    LEFT JOIN contact_touch t
        ON t.contact_hi = c.contact_hi AND t.contact_lo = c.contact_lo AND c.contact_kind NOT IN ('call', 'callback')
    WHERE list_contains($controllers, c.controller) AND NOT c.self_made AND l.leg_role IN ('agent', 'consult')
        AND c.contact_kind NOT IN ('training', 'assistance', 'job')
) AS h
JOIN local_day d ON d.controller = h.controller AND h.handled_at >= d.from_at AND h.handled_at < d.to_at
LEFT JOIN account_span s
    ON s.controller = h.controller AND s.agent_hi = h.agent_hi AND s.agent_lo = h.agent_lo
    AND s.valid_from <= h.handled_at AND h.handled_at < s.valid_to
WHERE h.handled_at > 0
