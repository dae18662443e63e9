-- The latest version counts: a hold is written when one person asks, and again when a second agreed.
CREATE OR REPLACE TEMP TABLE fresh_hold AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY hold_hi, hold_lo ORDER BY noted_at DESC, tie DESC) AS nth
    FROM staged_hold s
) WHERE nth = 1;
DELETE FROM fresh_hold f USING hold c
WHERE c.hold_hi = f.hold_hi AND c.hold_lo = f.hold_lo AND (c.noted_at, c.tie) >= (f.noted_at, f.tie);
DELETE FROM hold c USING fresh_hold f WHERE c.hold_hi = f.hold_hi AND c.hold_lo = f.hold_lo;
INSERT INTO hold BY NAME SELECT * FROM fresh_hold;
