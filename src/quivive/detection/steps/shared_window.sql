-- E14, E19: in a session with a colleague, the colleague's own sure contacts are a reason too, while both last.
SELECT
    w.contact_hi, w.contact_lo, w.controller, w.contact_kind, w.queue, s.template, 'shared' AS shape, s.priority,
    0 AS cap, s.ident_hi, s.ident_lo, '' AS team, 0 AS near_us, w.anchor_at,
    GREATEST(w.from_at, s.from_at) AS from_at, LEAST(w.to_at, s.to_at) AS to_at, s.strength, s.strength AS strength_else
FROM contact_window s
JOIN contact_leg m ON m.contact_hi = s.contact_hi AND m.contact_lo = s.contact_lo AND m.leg_role = 'agent'
JOIN contact_window w ON w.controller = s.controller AND w.ident_hi = m.ident_hi AND w.ident_lo = m.ident_lo
WHERE s.shape = 'companion' AND w.shape IN ('call', 'work') AND w.strength = 'strong' AND w.near_us = 0
    AND w.from_at <= s.to_at AND s.from_at <= w.to_at
    AND (s.ident_hi <> m.ident_hi OR s.ident_lo <> m.ident_lo) AND (m.ident_hi <> 0 OR m.ident_lo <> 0)
