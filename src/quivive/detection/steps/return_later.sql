-- Those of them that show a customer of the strong units (`live_subject_key` of their keys).
SELECT DISTINCT c.access_hi, c.access_lo, c.started_at
FROM return_candidate c
JOIN live_subject_key k ON k.controller = c.controller AND k.key_hi = c.key_hi AND k.key_lo = c.key_lo
