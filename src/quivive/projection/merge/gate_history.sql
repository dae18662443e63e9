-- Every sealed state of the gate, with its instant: what was allowed when, for the admissibility sheet and the dossier.
INSERT INTO gate_history BY NAME
SELECT DISTINCT employer, establishment, module, version AS sealed_at, tie, state, reference, demonstration
FROM staged_gate_state s
WHERE NOT EXISTS (
    SELECT 1 FROM gate_history g
    WHERE g.employer = s.employer AND g.establishment = s.establishment AND g.module = s.module
        AND g.sealed_at = s.version AND g.tie = s.tie
);
