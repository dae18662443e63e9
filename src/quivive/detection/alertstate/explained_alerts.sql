-- Open alerts of the statistics whose every access has by now a strong or medium reason for all it showed. An access
-- that is not in the hot days has its sealed verdict, which nothing has revised.
SELECT printf('%016x%016x', x.alert_hi, x.alert_lo) AS alert
FROM alert_access x
JOIN alert a ON a.alert_hi = x.alert_hi AND a.alert_lo = x.alert_lo
LEFT JOIN (
    SELECT
        access_hi, access_lo,
        MIN(CASE WHEN verdict = 'explained' AND strength IN ('strong', 'medium') THEN 1 ELSE 0 END) AS is_explained
    FROM verdict_current WHERE verdict <> 'not_applicable' GROUP BY access_hi, access_lo
) AS v ON v.access_hi = x.access_hi AND v.access_lo = x.access_lo
WHERE a.origin IN ('residual', 'low_and_slow') AND list_contains($controllers, a.controller)
GROUP BY x.alert_hi, x.alert_lo
HAVING MIN(COALESCE(v.is_explained, 0)) = 1
ORDER BY x.alert_hi, x.alert_lo
