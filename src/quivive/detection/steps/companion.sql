-- Who accompanies whom, and when: sessions of training or help, with the colleague of each.
SELECT
    s.controller, s.template, s.priority, s.strength, s.ident_hi, s.ident_lo, s.from_at, s.to_at,
    m.ident_hi AS mate_hi, m.ident_lo AS mate_lo
FROM contact_window s
JOIN contact_leg m ON m.contact_hi = s.contact_hi AND m.contact_lo = s.contact_lo AND m.leg_role = 'agent'
WHERE s.shape = 'companion' AND (s.ident_hi <> m.ident_hi OR s.ident_lo <> m.ident_lo)
    AND (m.ident_hi <> 0 OR m.ident_lo <> 0)
