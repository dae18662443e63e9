-- What is recorded about one person, by source. $person is the session's own: only the own-space route may call this.
SELECT a.controller, a.source, a.grade, COUNT(*) AS accesses, MIN(a.started_at) AS first_at, MAX(a.started_at) AS last_at
FROM scoped_access a
WHERE a.ident_hi = $person_hi AND a.ident_lo = $person_lo
GROUP BY a.controller, a.source, a.grade
ORDER BY a.controller, a.source, a.grade
