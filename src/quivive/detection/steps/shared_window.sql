-- E14, E19: in a session with a colleague, the colleague's own sure contacts are a reason too, while both last.
-- `companion` is a relation of its own: joined in one text, all windows of a person were paired with one another.
SELECT
    w.contact_hi, w.contact_lo, w.controller, w.contact_kind, w.queue, s.template, 'shared' AS shape, s.priority,
    0 AS cap, s.ident_hi, s.ident_lo, '' AS team, 0 AS near_us, w.anchor_at,
    GREATEST(w.from_at, s.from_at) AS from_at, LEAST(w.to_at, s.to_at) AS to_at, s.strength, s.strength AS strength_else
FROM companion s
JOIN contact_window w ON w.controller = s.controller AND w.ident_hi = s.mate_hi AND w.ident_lo = s.mate_lo
WHERE w.shape IN ('call', 'work') AND w.strength = 'strong' AND w.near_us = 0
    AND w.from_at <= s.to_at AND s.from_at <= w.to_at
UNION ALL
-- Beside a colleague whose caller is not identified, one is as one is alone in such a call: weak, and capped.
SELECT
    w.contact_hi, w.contact_lo, w.controller, w.contact_kind, w.queue, w.template, w.shape, w.priority, w.cap,
    s.ident_hi, s.ident_lo, '' AS team, 0 AS near_us, w.anchor_at,
    GREATEST(w.from_at, s.from_at) AS from_at, LEAST(w.to_at, s.to_at) AS to_at, w.strength, w.strength_else
FROM companion s
JOIN contact_window w ON w.controller = s.controller AND w.ident_hi = s.mate_hi AND w.ident_lo = s.mate_lo
WHERE w.shape = 'unidentified' AND w.from_at <= s.to_at AND s.from_at <= w.to_at
