-- Certificates of removed recordings, newest first. $keys NULL gives all, else those of these ids.
SELECT
    certificate_hi, certificate_lo, controller, rule, campaign, count AS removed, removed_root, planned_by, approved_by,
    approval, executed_at, verified_absent_at, declared_by_vendor AS declared, places
FROM purge
WHERE what = 'recordings' AND list_contains($controllers, controller)
    AND ($keys IS NULL OR list_contains($keys, printf('%016x%016x', certificate_hi, certificate_lo)))
ORDER BY verified_absent_at DESC, certificate_hi, certificate_lo
LIMIT COALESCE($limit, 200)
