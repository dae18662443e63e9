-- A link is known from the earliest instant at which any source saw it.
CREATE OR REPLACE TEMP TABLE fresh_link AS
SELECT controller, left_hi, left_lo, left_kind, right_hi, right_lo, right_table, MIN(first_at) AS first_at,
    MAX(last_at) AS last_at
FROM staged_link
GROUP BY controller, left_hi, left_lo, left_kind, right_hi, right_lo, right_table;
UPDATE link l SET last_at = f.last_at FROM fresh_link f
WHERE l.controller = f.controller AND l.left_hi = f.left_hi AND l.left_lo = f.left_lo AND l.left_kind = f.left_kind
    AND l.right_hi = f.right_hi AND l.right_lo = f.right_lo AND l.right_table = f.right_table
    AND l.last_at < f.last_at;
UPDATE fresh_link f SET last_at = l.last_at FROM link l
WHERE l.controller = f.controller AND l.left_hi = f.left_hi AND l.left_lo = f.left_lo AND l.left_kind = f.left_kind
    AND l.right_hi = f.right_hi AND l.right_lo = f.right_lo AND l.right_table = f.right_table
    AND l.last_at > f.last_at;
DELETE FROM fresh_link f USING link l
WHERE l.controller = f.controller AND l.left_hi = f.left_hi AND l.left_lo = f.left_lo AND l.left_kind = f.left_kind
    AND l.right_hi = f.right_hi AND l.right_lo = f.right_lo AND l.right_table = f.right_table
    AND l.first_at <= f.first_at;
DELETE FROM link l USING fresh_link f
WHERE l.controller = f.controller AND l.left_hi = f.left_hi AND l.left_lo = f.left_lo AND l.left_kind = f.left_kind
    AND l.right_hi = f.right_hi AND l.right_lo = f.right_lo AND l.right_table = f.right_table;
INSERT INTO link BY NAME SELECT * FROM fresh_link;
INSERT INTO dirty_key SELECT DISTINCT controller, left_hi, left_lo FROM fresh_link;
