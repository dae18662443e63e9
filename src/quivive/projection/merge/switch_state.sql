-- The latest sealed state of a switch is current; `version` is its instant.
CREATE OR REPLACE TEMP TABLE fresh_switch AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY switch ORDER BY version DESC, tie DESC) AS nth
    FROM staged_switch_state s
) WHERE nth = 1;
DELETE FROM fresh_switch f USING switch_state c WHERE c.switch = f.switch AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM switch_state c USING fresh_switch f WHERE c.switch = f.switch;
INSERT INTO switch_state BY NAME SELECT * FROM fresh_switch;
