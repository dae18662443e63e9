-- Records shown to one person in the period, each with how often and when, and how many of these accesses nothing
-- explains; page on with $after (a key). The gate holds: an access before its holder was informed is not among them.
SELECT
    e.key_hi, e.key_lo, MIN(e.record_table) AS record_table, COUNT(*) AS accesses,
    COUNT(*) FILTER (WHERE v.verdict = 'unexplained') AS unexplained,
    MIN(e.started_at) AS first_at, MAX(e.started_at) AS last_at
FROM scoped_access a
JOIN scoped_exposure e
    ON e.access_hi = a.access_hi AND e.access_lo = a.access_lo AND e.started_at = a.started_at
LEFT JOIN scoped_verdict v
    ON v.access_hi = e.access_hi AND v.access_lo = e.access_lo AND v.started_at = e.started_at
    AND v.key_hi = e.key_hi AND v.key_lo = e.key_lo
WHERE a.ident_hi = $person_hi AND a.ident_lo = $person_lo
    AND (
        $after_hi IS NULL OR e.key_hi > $after_hi OR (e.key_hi = $after_hi AND e.key_lo > $after_lo)
    )
GROUP BY e.key_hi, e.key_lo
ORDER BY e.key_hi, e.key_lo
LIMIT COALESCE($limit, 5000)
