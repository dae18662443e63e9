-- The latest sealed state of an employer × establishment × module is current; `version` is its instant.
CREATE OR REPLACE TEMP TABLE fresh_gate AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (
        PARTITION BY employer, establishment, module ORDER BY version DESC, tie DESC
    ) AS nth
    FROM staged_gate_state s
) WHERE nth = 1;
DELETE FROM fresh_gate f USING gate_state c
WHERE c.employer = f.employer AND c.establishment = f.establishment AND c.module = f.module
    AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM gate_state c USING fresh_gate f
WHERE c.employer = f.employer AND c.establishment = f.establishment AND c.module = f.module;
INSERT INTO gate_state BY NAME SELECT * FROM fresh_gate;
