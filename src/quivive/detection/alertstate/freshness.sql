-- How far each contact source of a controller is complete.
SELECT j.source, COALESCE(MAX(h.complete_to), 0) AS complete_to
FROM judge_source j LEFT JOIN heartbeat h ON h.source = j.source
WHERE j.controller = $controller AND j.source <> ''
GROUP BY j.source ORDER BY j.source
