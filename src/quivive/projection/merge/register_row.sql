-- The latest version of each line is current.
CREATE OR REPLACE TEMP TABLE fresh_register_row AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY register, controller, reference ORDER BY version DESC, tie DESC) AS nth
    FROM staged_register_row s
) WHERE nth = 1;
DELETE FROM fresh_register_row f USING register_row c
WHERE c.register = f.register AND c.controller = f.controller AND c.reference = f.reference
    AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM register_row c USING fresh_register_row f
WHERE c.register = f.register AND c.controller = f.controller AND c.reference = f.reference;
INSERT INTO register_row BY NAME SELECT * FROM fresh_register_row;
