-- Distinct subjects per access: one is an opening, up to twenty a listing of rows, more a listing judged once.
SELECT access_hi, access_lo, COUNT(*) AS subjects
FROM (SELECT DISTINCT access_hi, access_lo, subject_hi, subject_lo FROM work_subject) AS subject
GROUP BY access_hi, access_lo
