-- The latest word on a watched record is current.
CREATE OR REPLACE TEMP TABLE fresh_watched AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY controller, key_hi, key_lo ORDER BY version DESC, tie DESC) AS nth
    FROM staged_watched_record s
) WHERE nth = 1;
DELETE FROM fresh_watched f USING watched_record c
WHERE c.controller = f.controller AND c.key_hi = f.key_hi AND c.key_lo = f.key_lo
    AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM watched_record c USING fresh_watched f
WHERE c.controller = f.controller AND c.key_hi = f.key_hi AND c.key_lo = f.key_lo;
INSERT INTO watched_record BY NAME SELECT * FROM fresh_watched;
