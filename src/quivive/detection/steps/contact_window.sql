-- When each contact is a reason for whom: one row per leg and template. team is '' unless the team counts.
-- E1 call, E2 unidentified, E15 related, E1 stated: the same stretch of the leg, told apart by identity later.
SELECT * FROM (
    SELECT
        l.contact_hi, l.contact_lo, l.controller, l.contact_kind, t.template, t.shape, t.priority, t.cap,
        l.ident_hi, l.ident_lo, '' AS team, t.near_us,
        CASE t.shape
            WHEN 'wrap_up' THEN l.hung_up_at WHEN 'callback' THEN l.due_at WHEN 'ticket' THEN l.assigned_at
            ELSE l.began_at
        END AS anchor_at,
        CASE
            WHEN t.shape = 'wrap_up' THEN l.hung_up_at
            WHEN t.shape = 'callback' THEN l.due_at - t.before_us
            WHEN t.shape = 'ticket' THEN l.assigned_at
            WHEN l.preview_at > 0 THEN LEAST(l.began_at, GREATEST(l.preview_at, l.began_at - t.near_us)) - t.before_us
            ELSE l.began_at - t.before_us
        END AS from_at,
        CASE
            WHEN t.shape = 'wrap_up' THEN l.hung_up_at + LEAST(
                t.max_us, CASE WHEN l.wrapped_at > l.hung_up_at THEN l.wrapped_at - l.hung_up_at ELSE t.after_us END)
            WHEN t.shape = 'callback' THEN l.due_at + t.after_us
            WHEN t.shape = 'ticket' AND l.closed_at > 0
                THEN LEAST(l.closed_at, l.assigned_at + t.max_us) + t.after_us
            WHEN t.shape = 'ticket' THEN l.assigned_at + t.max_us
            WHEN l.hung_up_at = 0 THEN l.began_at + t.max_us
            WHEN l.wrapped_at > l.hung_up_at AND t.shape = 'unidentified'
                THEN LEAST(l.hung_up_at, l.began_at + t.max_us) + LEAST(l.wrapped_at - l.hung_up_at, 300000000)
            WHEN l.wrapped_at > l.hung_up_at THEN LEAST(l.hung_up_at, l.began_at + t.max_us)
            ELSE LEAST(l.hung_up_at, l.began_at + t.max_us) + t.after_us
        END AS to_at,
        CASE WHEN l.self_made AND t.shape IN ('callback', 'ticket') THEN t.strength_else ELSE t.strength END AS strength,
        CASE WHEN t.shape IN ('callback', 'ticket') THEN t.strength_else ELSE t.strength END AS strength_else
    FROM contact_leg l
    JOIN template t
        ON l.contact_kind = CASE
            WHEN t.shape IN ('call', 'unidentified', 'wrap_up') THEN 'call'
            WHEN t.shape IN ('callback', 'ticket') THEN t.shape
            ELSE ''
        END
    WHERE CASE t.shape
        WHEN 'call' THEN l.began_at > 0
        WHEN 'unidentified' THEN l.began_at > 0 AND l.direction <> 'internal'
        WHEN 'wrap_up' THEN l.hung_up_at > 0
        WHEN 'callback' THEN l.due_at > 0
        ELSE l.assigned_at > 0
    END
    UNION ALL
    SELECT
        c.contact_hi, c.contact_lo, c.controller, c.contact_kind, t.template, t.shape, t.priority, t.cap,
        0 AS ident_hi, 0 AS ident_lo, c.team, t.near_us, c.due_at AS anchor_at,
        c.due_at - t.before_us AS from_at, c.due_at + t.after_us AS to_at,
        t.strength_else AS strength, t.strength_else
    FROM contact_near c JOIN template t ON t.shape = 'callback'
    WHERE c.contact_kind = 'callback' AND c.due_at > 0 AND c.team <> ''
) AS w
WHERE w.to_at >= w.from_at AND (w.team <> '' OR w.ident_hi <> 0 OR w.ident_lo <> 0)
