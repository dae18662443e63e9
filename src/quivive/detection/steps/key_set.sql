-- Keys whose subjects are looked for: those shown by the work, and those that its contacts name.
SELECT controller, key_hi, key_lo FROM work_exposure
UNION
SELECT s.controller, s.key_hi, s.key_lo
FROM contact_subject s JOIN contact_near c ON c.contact_hi = s.contact_hi AND c.contact_lo = s.contact_lo
