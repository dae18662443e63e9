-- Legs with the person behind each, and with the instants that windows are built from.
SELECT
    c.contact_hi, c.contact_lo, c.controller, c.source, c.queue, c.contact_kind, c.direction, c.self_made, c.due_at,
    l.leg_role,
    CASE WHEN k.agent_hi IS NULL THEN l.agent_hi ELSE COALESCE(s.person_hi, 0) END AS ident_hi,
    CASE WHEN k.agent_hi IS NULL THEN l.agent_lo ELSE COALESCE(s.person_lo, 0) END AS ident_lo,
    CASE
        WHEN c.contact_kind <> 'call' THEN 'any'
        WHEN NOT l.is_first THEN 'further'
        WHEN c.direction = 'outbound' AND c.campaign <> '' THEN 'dialled'
        ELSE 'first'
    END AS place,
    -- A first leg begins with the offer; a later one (transfer, conference) with its own start.
    CASE
        WHEN l.is_first AND c.offered_at > 0 THEN c.offered_at
        WHEN l.is_first AND c.started_at > 0 THEN c.started_at
        WHEN l.from_at > 0 THEN l.from_at
        ELSE GREATEST(c.offered_at, c.started_at, c.assigned_at, c.opened_at)
    END AS began_at,
    CASE
        WHEN NOT l.is_first OR c.direction = 'inbound' THEN 0
        ELSE c.preview_at
    END AS preview_at,
    CASE
        WHEN NOT l.is_first OR c.direction = 'inbound' THEN 0
        WHEN c.contact_kind = 'list_member' THEN c.offered_at
        WHEN c.offered_at > 0 THEN c.offered_at
        ELSE c.started_at
    END AS dialled_at,
    CASE
        WHEN l.to_at > 0 AND c.ended_at > 0 THEN LEAST(l.to_at, c.ended_at)
        WHEN c.ended_at > 0 THEN c.ended_at
        WHEN c.contact_kind = 'call' THEN l.to_at
        ELSE 0
    END AS hung_up_at,
    CASE WHEN l.is_last THEN c.wrapped_at ELSE 0 END AS wrapped_at,
    -- Work that passes from one to the next: each from his own leg's start to its end.
    CASE
        WHEN NOT l.is_first AND l.from_at > 0 THEN l.from_at
        WHEN c.assigned_at > 0 THEN c.assigned_at
        WHEN c.opened_at > 0 THEN c.opened_at
        ELSE l.from_at
    END AS assigned_at,
    CASE WHEN NOT l.is_first AND l.from_at > 0 THEN l.from_at WHEN c.opened_at > 0 THEN c.opened_at ELSE c.assigned_at
    END AS opened_at,
    CASE
        WHEN l.is_last OR l.to_at = 0 THEN c.closed_at
        WHEN c.closed_at > 0 THEN LEAST(l.to_at, c.closed_at)
        ELSE l.to_at
    END AS closed_at
FROM contact_near c
JOIN leg l ON l.controller = c.controller AND l.contact_hi = c.contact_hi AND l.contact_lo = c.contact_lo
LEFT JOIN agent_known k ON k.controller = l.controller AND k.agent_hi = l.agent_hi AND k.agent_lo = l.agent_lo
LEFT JOIN account_span s
    ON s.controller = l.controller AND s.agent_hi = l.agent_hi AND s.agent_lo = l.agent_lo
    AND s.valid_from <= CASE WHEN l.from_at > 0 THEN l.from_at
        ELSE GREATEST(c.offered_at, c.started_at, c.assigned_at, c.opened_at, c.due_at) END
    AND s.valid_to > CASE WHEN l.from_at > 0 THEN l.from_at
        ELSE GREATEST(c.offered_at, c.started_at, c.assigned_at, c.opened_at, c.due_at) END
