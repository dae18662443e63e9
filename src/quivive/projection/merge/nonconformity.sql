-- The highest version of a non-conformity is current: it is found, and closed by a person.
CREATE OR REPLACE TEMP TABLE fresh_nonconformity AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY nonconformity_hi, nonconformity_lo ORDER BY version DESC, tie DESC) AS nth
    FROM staged_nonconformity s
) WHERE nth = 1;
DELETE FROM fresh_nonconformity f USING nonconformity c
WHERE c.nonconformity_hi = f.nonconformity_hi AND c.nonconformity_lo = f.nonconformity_lo AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM nonconformity c USING fresh_nonconformity f
WHERE c.nonconformity_hi = f.nonconformity_hi AND c.nonconformity_lo = f.nonconformity_lo;
INSERT INTO nonconformity BY NAME SELECT * FROM fresh_nonconformity;
