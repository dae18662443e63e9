-- Adopted documents of the gate, oldest first; $employer and $establishment NULL give all.
SELECT employer, establishment, module, record, dated_at, recorded_at, reference, text_sha256, purposes, rules, demonstration
FROM gate_record
WHERE ($employer IS NULL OR employer = $employer) AND ($establishment IS NULL OR establishment = $establishment)
ORDER BY dated_at, employer, establishment, module, record
