-- The latest version of each approval is current.
CREATE OR REPLACE TEMP TABLE fresh_approval AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY approval_hi, approval_lo ORDER BY version DESC, tie DESC) AS nth
    FROM staged_approval s
) WHERE nth = 1;
DELETE FROM fresh_approval f USING approval c
WHERE c.approval_hi = f.approval_hi AND c.approval_lo = f.approval_lo AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM approval c USING fresh_approval f
WHERE c.approval_hi = f.approval_hi AND c.approval_lo = f.approval_lo;
INSERT INTO approval BY NAME SELECT * FROM fresh_approval;
