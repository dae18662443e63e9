-- The latest word on a canary is current, with the contact keys it was given.
CREATE OR REPLACE TEMP TABLE fresh_canary AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY controller, key_hi, key_lo ORDER BY version DESC, tie DESC) AS nth
    FROM staged_canary s
) WHERE nth = 1;
DELETE FROM fresh_canary f USING canary c
WHERE c.controller = f.controller AND c.key_hi = f.key_hi AND c.key_lo = f.key_lo
    AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM canary c USING fresh_canary f
WHERE c.controller = f.controller AND c.key_hi = f.key_hi AND c.key_lo = f.key_lo;
DELETE FROM canary_contact c USING fresh_canary f
WHERE c.controller = f.controller AND c.key_hi = f.key_hi AND c.key_lo = f.key_lo;
INSERT INTO canary BY NAME SELECT * FROM fresh_canary;
INSERT INTO canary_contact BY NAME
SELECT DISTINCT s.* EXCLUDE (version, tie) FROM staged_canary_contact s JOIN fresh_canary f
    ON s.controller = f.controller AND s.key_hi = f.key_hi AND s.key_lo = f.key_lo AND s.version = f.version
    AND s.tie = f.tie
WHERE NOT f.removed;
