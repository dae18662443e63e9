-- A case is opened once; the same opening told twice is one.
INSERT INTO case_file BY NAME
SELECT DISTINCT s.* FROM staged_case_file s
WHERE NOT EXISTS (SELECT 1 FROM case_file c WHERE c.case_hi = s.case_hi AND c.case_lo = s.case_lo);
