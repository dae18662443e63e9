-- Each exposure under its one subject.
SELECT e.access_hi, e.access_lo, e.started_at, e.controller, e.key_hi, e.key_lo, e.table_kind, s.subject_hi, s.subject_lo
FROM round_exposure e
JOIN key_subject s ON s.controller = e.controller AND s.key_hi = e.key_hi AND s.key_lo = e.key_lo
