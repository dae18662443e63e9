-- The heart: same controller, same person, same customer, within the window. Time alone is never enough.
SELECT
    a.access_hi, a.access_lo, e.key_hi, e.key_lo, w.contact_hi, w.contact_lo, w.template, w.shape, w.priority,
    a.started_at - w.anchor_at AS delta_us, a.started_at, w.near_us,
    CASE WHEN i.is_sure = 1 OR w.strength = 'weak' THEN w.strength ELSE 'medium' END AS strength, w.strength_else
FROM work_access a
JOIN work_exposure e ON e.access_hi = a.access_hi AND e.access_lo = a.access_lo
JOIN identity x ON x.controller = e.controller AND x.key_hi = e.key_hi AND x.key_lo = e.key_lo
JOIN contact_identity i
    ON i.controller = x.controller AND i.subject_hi = x.subject_hi AND i.subject_lo = x.subject_lo
JOIN contact_window w
    ON w.controller = i.controller AND w.contact_hi = i.contact_hi AND w.contact_lo = i.contact_lo
    AND w.ident_hi = a.ident_hi AND w.ident_lo = a.ident_lo
WHERE w.shape IN ('call', 'work', 'shared') AND w.team = '' AND (a.ident_hi <> 0 OR a.ident_lo <> 0)
    AND a.started_at >= w.from_at AND a.started_at <= w.to_at
