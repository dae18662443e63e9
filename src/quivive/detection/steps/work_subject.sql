-- Each exposure under its one subject: the person when known, else the furthest record on the way.
SELECT e.access_hi, e.access_lo, e.started_at, e.controller, e.key_hi, e.key_lo, e.table_kind, s.subject_hi, s.subject_lo
FROM work_exposure e
JOIN (
    SELECT
        controller, key_hi, key_lo, subject_hi, subject_lo,
        ROW_NUMBER() OVER (
            PARTITION BY controller, key_hi, key_lo ORDER BY is_person DESC, hops DESC, subject_hi, subject_lo
        ) AS nth
    FROM identity
) AS s ON s.controller = e.controller AND s.key_hi = e.key_hi AND s.key_lo = e.key_lo AND s.nth = 1
