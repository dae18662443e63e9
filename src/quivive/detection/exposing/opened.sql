-- Who opened which victim in which week.
SELECT DISTINCT o.controller, v.victim, o.week, o.ident_hi, o.ident_lo
FROM opening o
JOIN victim_key v ON v.controller = o.controller AND v.key_hi = o.key_hi AND v.key_lo = o.key_lo
ORDER BY o.controller, v.victim, o.week, o.ident_hi, o.ident_lo
