-- Leftover exposures that fall in a call whose caller is not identified.
SELECT DISTINCT
    l.access_hi, l.access_lo, l.key_hi, l.key_lo, l.started_at, l.subject_hi, l.subject_lo,
    w.contact_hi, w.contact_lo, w.ident_hi, w.ident_lo, w.anchor_at,
    CASE WHEN l.stated_hi = w.contact_hi AND l.stated_lo = w.contact_lo THEN 1 ELSE 0 END AS is_stated
FROM leftover l
JOIN call_window w
    ON w.controller = l.controller AND w.ident_hi = l.ident_hi AND w.ident_lo = l.ident_lo
    AND w.piece = l.started_at - l.started_at % 600000000
JOIN template t ON t.shape = 'unidentified'
WHERE w.shape = 'unidentified' AND l.subjects <= t.cap AND l.started_at >= w.from_at AND l.started_at <= w.to_at
