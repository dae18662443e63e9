-- Records per access that have something to explain.
SELECT e.access_hi, e.access_lo, COUNT(*) AS records
FROM all_exposure e
JOIN work_access w ON w.started_at = e.started_at AND w.access_hi = e.access_hi AND w.access_lo = e.access_lo
LEFT JOIN catalogue_table t ON t.controller = e.controller AND t.record_table = e.record_table
WHERE COALESCE(t.table_kind, '') <> 'reference'
GROUP BY e.access_hi, e.access_lo
