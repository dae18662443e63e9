-- The highest version of a planned shift is current.
CREATE OR REPLACE TEMP TABLE fresh_shift AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY shift ORDER BY version DESC, tie DESC) AS nth FROM staged_shift s
) WHERE nth = 1;
DELETE FROM fresh_shift f USING shift c WHERE c.shift = f.shift AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM shift c USING fresh_shift f WHERE c.shift = f.shift;
INSERT INTO shift BY NAME SELECT * FROM fresh_shift;
