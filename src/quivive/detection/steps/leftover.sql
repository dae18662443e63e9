-- Exposures that no identified contact explains, of agents who are known.
SELECT
    a.access_hi, a.access_lo, a.started_at, a.controller, a.ident_hi, a.ident_lo, a.stated_hi, a.stated_lo,
    s.key_hi, s.key_lo, s.subject_hi, s.subject_lo, n.subjects
FROM work_access a
JOIN work_subject s ON s.access_hi = a.access_hi AND s.access_lo = a.access_lo
JOIN work_size n ON n.access_hi = a.access_hi AND n.access_lo = a.access_lo
LEFT JOIN identity_best b
    ON b.access_hi = s.access_hi AND b.access_lo = s.access_lo AND b.key_hi = s.key_hi AND b.key_lo = s.key_lo
WHERE b.access_hi IS NULL AND (a.ident_hi <> 0 OR a.ident_lo <> 0) AND s.table_kind <> 'unmapped' AND n.subjects <= 20
