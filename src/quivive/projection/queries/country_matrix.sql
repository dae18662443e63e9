-- Accesses by controller and the country of whoever made them ('' when the person is not known).
SELECT a.controller, COALESCE(p.country, '') AS country, COUNT(*) AS accesses, MIN(a.started_at) AS first_at, MAX(a.started_at) AS last_at
FROM scoped_access a
LEFT JOIN agent p ON p.person_hi = a.ident_hi AND p.person_lo = a.ident_lo
GROUP BY a.controller, COALESCE(p.country, '')
ORDER BY a.controller, country
