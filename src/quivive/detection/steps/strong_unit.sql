-- Units of the target that are strong now, or were: a later return may gain or lose its reason.
SELECT a.controller, a.started_at, a.ident_hi, a.ident_lo, u.key_hi, u.key_lo
FROM (
    SELECT access_hi, access_lo, key_hi, key_lo FROM decision WHERE strength = 'strong'
    UNION SELECT access_hi, access_lo, key_hi, key_lo FROM standing WHERE strength = 'strong'
) AS u
JOIN work_access a ON a.access_hi = u.access_hi AND a.access_lo = u.access_lo
WHERE (a.ident_hi <> 0 OR a.ident_lo <> 0) AND (u.key_hi <> 0 OR u.key_lo <> 0)
