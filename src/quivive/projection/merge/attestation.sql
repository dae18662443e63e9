-- The latest attestation of a reviewer for a company and a day is current.
CREATE OR REPLACE TEMP TABLE fresh_attestation AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY controller, day, principal ORDER BY attested_at DESC, tie DESC) AS nth
    FROM staged_attestation s
) WHERE nth = 1;
DELETE FROM fresh_attestation f USING attestation c
WHERE c.controller = f.controller AND c.day = f.day AND c.principal = f.principal
    AND (c.attested_at, c.tie) >= (f.attested_at, f.tie);
DELETE FROM attestation c USING fresh_attestation f
WHERE c.controller = f.controller AND c.day = f.day AND c.principal = f.principal;
INSERT INTO attestation BY NAME SELECT * FROM fresh_attestation;
