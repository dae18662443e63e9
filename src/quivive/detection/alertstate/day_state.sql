-- A day of one controller: its judged units, and those not final yet.
SELECT COUNT(*) AS units, SUM(CASE WHEN final THEN 0 ELSE 1 END) AS waiting
FROM all_verdict
WHERE controller = $controller AND started_at >= $from_at AND started_at < $to_at AND verdict <> 'not_applicable'
