-- Strong units that showed one of those keys in the day before: judged now, or standing.
WITH span AS (
    SELECT MIN(u.started_at) - MAX(t.before_us) AS from_at, MAX(u.started_at) AS to_at
    FROM return_unit u CROSS JOIN template t WHERE t.shape = 'return'
),
wanted AS (
    SELECT DISTINCT controller, before_hi, before_lo FROM return_key
)
SELECT v.access_hi, v.access_lo, v.started_at, v.controller, v.key_hi, v.key_lo, v.contact_hi, v.contact_lo
FROM all_verdict v
JOIN wanted k ON k.controller = v.controller AND k.before_hi = v.key_hi AND k.before_lo = v.key_lo
CROSS JOIN span s
LEFT JOIN target t ON t.access_hi = v.access_hi AND t.access_lo = v.access_lo
WHERE v.strength = 'strong' AND v.started_at >= s.from_at AND v.started_at < s.to_at AND t.access_hi IS NULL
UNION ALL
SELECT r.access_hi, r.access_lo, t.started_at, k.controller, r.key_hi, r.key_lo, r.contact_hi, r.contact_lo
FROM reason r
JOIN target t ON t.access_hi = r.access_hi AND t.access_lo = r.access_lo
JOIN wanted k ON k.before_hi = r.key_hi AND k.before_lo = r.key_lo
WHERE r.strength = 'strong'
