-- Every adopted document stays, with its own date.
INSERT INTO gate_record BY NAME
SELECT DISTINCT s.* FROM staged_gate_record s
WHERE NOT EXISTS (
    SELECT 1 FROM gate_record g
    WHERE g.employer = s.employer AND g.establishment = s.establishment AND g.module = s.module
        AND g.record = s.record AND g.recorded_at = s.recorded_at AND g.tie = s.tie
);
