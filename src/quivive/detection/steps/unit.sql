-- What is judged: each exposure; a listing of more than twenty subjects once (0/0); an access whose records could
-- not be told once (0/0); and, without a verdict, accesses that show nobody.
SELECT t.access_hi, t.access_lo, t.started_at, s.controller, s.key_hi, s.key_lo,
    CASE WHEN s.table_kind = 'unmapped' THEN 'unresolved' ELSE 'exposure' END AS unit_kind
FROM target t
JOIN work_size n ON n.access_hi = t.access_hi AND n.access_lo = t.access_lo AND n.subjects <= 20
JOIN work_subject s ON s.access_hi = t.access_hi AND s.access_lo = t.access_lo
UNION ALL
SELECT a.access_hi, a.access_lo, a.started_at, a.controller, 0, 0,
    CASE
        WHEN z.records IS NOT NULL THEN 'listing'
        WHEN a.coverage IN ('count_only', 'opaque') THEN 'unresolved'
        ELSE 'nothing'
    END AS unit_kind
FROM (
    SELECT t.access_hi, t.access_lo FROM target t
    LEFT JOIN work_size n ON n.access_hi = t.access_hi AND n.access_lo = t.access_lo
    WHERE n.access_hi IS NULL OR n.subjects > 20
) AS t
JOIN work_access a ON a.access_hi = t.access_hi AND a.access_lo = t.access_lo
LEFT JOIN work_records z ON z.access_hi = a.access_hi AND z.access_lo = a.access_lo
