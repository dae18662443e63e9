-- Certificates of removals, newest first, one row each (their parts summed in ranges, not in count).
SELECT
    certificate_hi, certificate_lo, MIN(noted_at) AS noted_at, controller, what, retention_class, day, campaign, rule,
    clause, MAX(count) AS count, MAX(declared_days) AS declared_days, planned_by, approved_by, approval,
    MAX(keys_destroyed) AS keys_destroyed, MAX(executed_at) AS executed_at,
    MAX(verified_absent_at) AS verified_absent_at, MAX(backup_days_max) AS backup_days_max, removed_root,
    MIN(places) AS places, COUNT(*) AS parts
FROM purge
WHERE list_contains($controllers, controller) AND noted_at >= $from_at AND noted_at < $to_at
GROUP BY certificate_hi, certificate_lo, controller, what, retention_class, day, campaign, rule, clause, planned_by,
    approved_by, approval, removed_root
ORDER BY noted_at DESC, certificate_hi, certificate_lo
LIMIT COALESCE($limit, 200)
