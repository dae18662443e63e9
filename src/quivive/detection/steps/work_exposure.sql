-- Their exposures, with the kind of the table. A listing too large to be one customer's page keeps no row here:
-- it is judged as a whole, its keys stay for look-up.
SELECT DISTINCT
    e.access_hi, e.access_lo, e.started_at, e.controller, e.key_hi, e.key_lo,
    CASE
        WHEN t.table_kind IS NOT NULL THEN t.table_kind
        WHEN c.controller IS NOT NULL THEN 'unmapped'
        ELSE 'person'
    END AS table_kind
FROM all_exposure e
JOIN work_access w ON w.started_at = e.started_at AND w.access_hi = e.access_hi AND w.access_lo = e.access_lo
JOIN work_records n ON n.access_hi = e.access_hi AND n.access_lo = e.access_lo AND n.records <= 500
LEFT JOIN catalogue_table t ON t.controller = e.controller AND t.record_table = e.record_table
LEFT JOIN catalogue_version c ON c.controller = e.controller
WHERE COALESCE(t.table_kind, '') <> 'reference'
