-- Every sealed state of the gate, oldest first; $employer and $establishment NULL give all.
SELECT employer, establishment, module, state, sealed_at, reference, demonstration
FROM gate_history
WHERE ($employer IS NULL OR employer = $employer) AND ($establishment IS NULL OR establishment = $establishment)
ORDER BY sealed_at, employer, establishment, module
