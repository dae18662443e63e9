-- When each contact is a reason for whom: one row per leg and template. team is '' unless the team counts. Learned
-- windows and the skew of the source's clock are those published before the day of the contact.
WITH instant AS (
    SELECT
        l.*, t.template, t.shape, t.priority, t.strength AS best, t.strength_else AS other, t.begins, t.ends,
        t.before_us, t.after_us, t.max_us, t.near_us, t.cap,
        CASE t.begins
            WHEN 'began' THEN l.began_at
            WHEN 'hung_up' THEN l.hung_up_at
            WHEN 'due' THEN l.due_at
            WHEN 'assigned' THEN l.assigned_at
            WHEN 'opened' THEN l.opened_at
            WHEN 'dialled' THEN l.dialled_at
            -- Told, the preview counts from then, at most `max` before dialling; else `before`, for a list's dialling.
            WHEN 'preview' THEN CASE
                WHEN l.preview_at > 0 THEN GREATEST(l.preview_at, l.dialled_at - t.max_us)
                WHEN l.contact_kind = 'list_member' AND l.dialled_at > 0 THEN l.dialled_at - t.before_us
                ELSE 0
            END
            ELSE 0
        END AS begin_at,
        CASE t.ends
            WHEN 'hung_up' THEN l.hung_up_at
            WHEN 'wrapped' THEN CASE
                WHEN l.wrapped_at > l.hung_up_at AND l.hung_up_at > 0 THEN LEAST(l.wrapped_at, l.hung_up_at + 300000000)
                ELSE l.hung_up_at
            END
            WHEN 'due' THEN l.due_at
            WHEN 'closed' THEN l.closed_at
            WHEN 'dialled' THEN l.dialled_at
            ELSE 0
        END AS end_at
    FROM contact_leg l
    JOIN template t ON t.contact_kind = l.contact_kind AND t.leg_role = l.leg_role AND t.place = l.place
    WHERE (l.ident_hi <> 0 OR l.ident_lo <> 0) AND (t.shape <> 'unidentified' OR l.direction <> 'internal')
),
told AS (
    SELECT
        i.*, COALESCE(w.before_us, i.before_us) AS first_us, COALESCE(w.after_us, i.after_us) AS last_us,
        COALESCE(w.cap, i.cap) AS most, COALESCE(k.skew_us, 0) AS skew_us
    FROM instant i
    LEFT JOIN learned_span n ON n.controller = i.controller AND n.from_at <= i.begin_at AND i.begin_at < n.to_at
    LEFT JOIN learned_window w
        ON w.controller = n.controller AND w.from_at = n.from_at AND w.queue = i.queue AND w.template = i.template
    LEFT JOIN learned_skew k ON k.controller = n.controller AND k.from_at = n.from_at AND k.source = i.source
)
SELECT * FROM (
    SELECT
        contact_hi, contact_lo, controller, contact_kind, queue, template, shape, priority, most AS cap,
        ident_hi, ident_lo, '' AS team, near_us, begin_at - skew_us AS anchor_at,
        begin_at - skew_us - CASE WHEN begins = 'preview' THEN 0 ELSE first_us END AS from_at,
        CASE
            WHEN end_at = 0 THEN begin_at + max_us
            -- The after-call work is told: then it ends the call, not a guess.
            WHEN wrapped_at > hung_up_at AND shape IN ('call', 'unidentified') THEN LEAST(end_at, begin_at + max_us)
            ELSE LEAST(end_at, begin_at + max_us) + last_us
        END - skew_us AS to_at,
        CASE WHEN self_made OR (begins = 'preview' AND dialled_at = 0) THEN other ELSE best END AS strength,
        other AS strength_else
    FROM told
    WHERE begin_at > 0
    UNION ALL
    SELECT
        c.contact_hi, c.contact_lo, c.controller, c.contact_kind, c.queue, t.template, t.shape, t.priority, t.cap,
        0 AS ident_hi, 0 AS ident_lo, c.team, t.near_us, c.due_at AS anchor_at,
        c.due_at - t.before_us AS from_at, c.due_at + t.after_us AS to_at,
        t.strength_else AS strength, t.strength_else
    FROM contact_near c JOIN template t ON t.contact_kind = c.contact_kind AND t.shape = 'work'
    WHERE c.contact_kind = 'callback' AND c.due_at > 0 AND c.team <> ''
) AS w
WHERE w.to_at >= w.from_at
