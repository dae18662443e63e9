-- When each contact is a reason for whom: one row per leg and template. team is '' unless the team counts.
SELECT * FROM (
    -- E1 call, E2 unidentified, E15 related, E1 stated: the same stretch of the leg, told apart by identity later.
    SELECT
        l.contact_hi, l.contact_lo, l.controller, l.contact_kind, t.template, t.shape, t.priority, t.cap,
        l.ident_hi, l.ident_lo, '' AS team, l.began_at AS anchor_at, t.near_us,
        CASE
            WHEN l.preview_at > 0 THEN LEAST(l.began_at, GREATEST(l.preview_at, l.began_at - t.near_us))
            ELSE l.began_at
        END - t.before_us AS from_at,
        CASE
            WHEN l.hung_up_at = 0 THEN l.began_at + t.max_us
            WHEN l.wrapped_at > l.hung_up_at AND t.shape = 'unidentified'
                THEN LEAST(l.hung_up_at, l.began_at + t.max_us) + LEAST(l.wrapped_at - l.hung_up_at, 300000000)
            WHEN l.wrapped_at > l.hung_up_at THEN LEAST(l.hung_up_at, l.began_at + t.max_us)
            ELSE LEAST(l.hung_up_at, l.began_at + t.max_us) + t.after_us
        END AS to_at,
        t.strength, t.strength AS strength_else
    FROM contact_leg l
    JOIN template t ON (t.shape = 'call' OR (t.shape = 'unidentified' AND l.direction <> 'internal'))
    WHERE l.contact_kind = 'call' AND l.began_at > 0
    UNION ALL
    SELECT
        l.contact_hi, l.contact_lo, l.controller, l.contact_kind, t.template, t.shape, t.priority, t.cap,
        l.ident_hi, l.ident_lo, '' AS team, l.hung_up_at AS anchor_at, t.near_us,
        l.hung_up_at AS from_at,
        l.hung_up_at + LEAST(t.max_us,
            CASE WHEN l.wrapped_at > l.hung_up_at THEN l.wrapped_at - l.hung_up_at ELSE t.after_us END) AS to_at,
        t.strength, t.strength AS strength_else
    FROM contact_leg l JOIN template t ON t.shape = 'wrap_up'
    WHERE l.contact_kind = 'call' AND l.hung_up_at > 0
    UNION ALL
    SELECT
        l.contact_hi, l.contact_lo, l.controller, l.contact_kind, t.template, t.shape, t.priority, t.cap,
        l.ident_hi, l.ident_lo, '' AS team, l.due_at AS anchor_at, t.near_us,
        l.due_at - t.before_us AS from_at, l.due_at + t.after_us AS to_at,
        CASE WHEN l.self_made THEN t.strength_else ELSE t.strength END AS strength,
        t.strength_else
    FROM contact_leg l JOIN template t ON t.shape = 'callback'
    WHERE l.contact_kind = 'callback' AND l.due_at > 0
    UNION ALL
    SELECT
        c.contact_hi, c.contact_lo, c.controller, c.contact_kind, t.template, t.shape, t.priority, t.cap,
        0 AS ident_hi, 0 AS ident_lo, c.team, c.due_at AS anchor_at, t.near_us,
        c.due_at - t.before_us AS from_at, c.due_at + t.after_us AS to_at,
        t.strength_else AS strength, t.strength_else
    FROM contact_near c JOIN template t ON t.shape = 'callback'
    WHERE c.contact_kind = 'callback' AND c.due_at > 0 AND c.team <> ''
    UNION ALL
    SELECT
        l.contact_hi, l.contact_lo, l.controller, l.contact_kind, t.template, t.shape, t.priority, t.cap,
        l.ident_hi, l.ident_lo, '' AS team, l.assigned_at AS anchor_at, t.near_us,
        l.assigned_at AS from_at,
        CASE WHEN l.closed_at > 0 THEN LEAST(l.closed_at, l.assigned_at + t.max_us) + t.after_us
            ELSE l.assigned_at + t.max_us END AS to_at,
        CASE WHEN l.self_made THEN t.strength_else ELSE t.strength END AS strength,
        t.strength_else
    FROM contact_leg l JOIN template t ON t.shape = 'ticket'
    WHERE l.contact_kind = 'ticket' AND l.assigned_at > 0
) AS w
WHERE w.to_at >= w.from_at AND (w.team <> '' OR w.ident_hi <> 0 OR w.ident_lo <> 0)
