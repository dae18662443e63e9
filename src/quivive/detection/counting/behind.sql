-- The accesses behind a day's counts of one person, oldest first, with the measure of each.
SELECT DISTINCT u.access_hi, u.access_lo, u.started_at, u.measure
FROM unit_subject u
WHERE u.controller = $controller AND u.ident_hi = $ident_hi AND u.ident_lo = $ident_lo
ORDER BY u.started_at, u.access_hi, u.access_lo
