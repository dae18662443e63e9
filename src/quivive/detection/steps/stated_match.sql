-- The contact the application stated: same person, same customer, a wider time.
SELECT
    a.access_hi, a.access_lo, e.key_hi, e.key_lo, w.contact_hi, w.contact_lo, t.template, t.shape, t.priority,
    a.started_at - w.anchor_at AS delta_us, a.started_at, 0 AS near_us,
    CASE WHEN w.strength = 'strong' THEN t.strength ELSE w.strength END AS strength, t.strength AS strength_else
FROM work_access a
JOIN template t ON t.shape = 'stated'
JOIN contact_window w
    ON w.controller = a.controller AND w.contact_hi = a.stated_hi AND w.contact_lo = a.stated_lo
    AND w.ident_hi = a.ident_hi AND w.ident_lo = a.ident_lo
JOIN work_exposure e ON e.access_hi = a.access_hi AND e.access_lo = a.access_lo
JOIN identity x ON x.controller = e.controller AND x.key_hi = e.key_hi AND x.key_lo = e.key_lo
JOIN contact_identity i
    ON i.controller = x.controller AND i.subject_hi = x.subject_hi AND i.subject_lo = x.subject_lo
    AND i.contact_hi = w.contact_hi AND i.contact_lo = w.contact_lo
WHERE w.shape IN ('call', 'work') AND w.team = '' AND (a.stated_hi <> 0 OR a.stated_lo <> 0)
    AND (a.ident_hi <> 0 OR a.ident_lo <> 0)
    AND a.started_at >= w.from_at - t.before_us AND a.started_at <= w.to_at + t.after_us
