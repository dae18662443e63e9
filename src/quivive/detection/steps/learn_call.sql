-- Distinct customers opened in each call whose caller is not identified.
SELECT g.controller, g.queue, g.contact_hi, g.contact_lo, g.ident_hi, g.ident_lo,
    COUNT(DISTINCT CONCAT(
        CAST(COALESCE(l.right_hi, e.key_hi) AS VARCHAR), '/', CAST(COALESCE(l.right_lo, e.key_lo) AS VARCHAR)
    )) AS subjects
FROM contact_leg g
LEFT JOIN (SELECT DISTINCT contact_hi, contact_lo FROM contact_subject) AS s
    ON s.contact_hi = g.contact_hi AND s.contact_lo = g.contact_lo
JOIN work_access a
    ON a.controller = g.controller AND a.ident_hi = g.ident_hi AND a.ident_lo = g.ident_lo
    AND a.started_at >= g.began_at AND a.started_at <= g.hung_up_at
JOIN learn_exposure e ON e.access_hi = a.access_hi AND e.access_lo = a.access_lo
LEFT JOIN (
    SELECT controller, left_hi, left_lo, MIN(right_hi) AS right_hi, MIN(right_lo) AS right_lo
    FROM link GROUP BY controller, left_hi, left_lo HAVING COUNT(*) = 1
) AS l ON l.controller = e.controller AND l.left_hi = e.key_hi AND l.left_lo = e.key_lo
WHERE g.contact_kind = 'call' AND g.leg_role = 'agent' AND g.direction <> 'internal' AND g.hung_up_at > 0
    AND s.contact_hi IS NULL AND a.distinct_count = 1
GROUP BY g.controller, g.queue, g.contact_hi, g.contact_lo, g.ident_hi, g.ident_lo
