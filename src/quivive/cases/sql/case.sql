-- Who a case is about (0/0 for nobody), for the office alone: a key never leaves through `query`.
SELECT c.controller, c.ident_hi, c.ident_lo, COALESCE(p.employer, ''), COALESCE(p.establishment, ''), COALESCE(p.informed_at, 0)
FROM case_file c
LEFT JOIN agent p ON p.person_hi = c.ident_hi AND p.person_lo = c.ident_lo
WHERE c.case_hi = $case_hi AND c.case_lo = $case_lo
