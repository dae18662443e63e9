-- Every step stays; the same one told twice is one.
INSERT INTO case_step BY NAME
SELECT DISTINCT s.* FROM staged_case_step s
WHERE NOT EXISTS (SELECT 1 FROM case_step c WHERE c.step_hi = s.step_hi AND c.step_lo = s.step_lo);
