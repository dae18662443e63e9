-- The first objection to a call counts.
CREATE OR REPLACE TEMP TABLE fresh_objection AS
SELECT * EXCLUDE (nth) FROM (
    SELECT
        s.*,
        ROW_NUMBER() OVER (PARTITION BY controller, contact_hi, contact_lo ORDER BY objected_at, tie) AS nth
    FROM staged_objection s
) WHERE nth = 1;
DELETE FROM fresh_objection f USING objection c
WHERE c.controller = f.controller AND c.contact_hi = f.contact_hi AND c.contact_lo = f.contact_lo
    AND (c.objected_at, c.tie) <= (f.objected_at, f.tie);
DELETE FROM objection c USING fresh_objection f
WHERE c.controller = f.controller AND c.contact_hi = f.contact_hi AND c.contact_lo = f.contact_lo;
INSERT INTO objection BY NAME SELECT * FROM fresh_objection;
