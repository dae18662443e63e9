-- Distinct records shown to each agent of one controller since an instant, where they are more than a limit.
-- Parameters: controller, since, most, reference (tables whose records explain nothing).
SELECT a.agent_hi, a.agent_lo, COUNT(DISTINCT (e.key_hi, e.key_lo)) AS records, MAX(a.started_at) AS last_at
FROM access a
JOIN exposure e ON e.access_hi = a.access_hi AND e.access_lo = a.access_lo AND e.started_at = a.started_at
WHERE a.controller = $controller AND a.started_at >= $since AND e.started_at >= $since
    AND (a.agent_hi <> 0 OR a.agent_lo <> 0) AND NOT list_contains($reference, e.record_table)
GROUP BY a.agent_hi, a.agent_lo
HAVING COUNT(DISTINCT (e.key_hi, e.key_lo)) > $most
ORDER BY a.agent_hi, a.agent_lo
