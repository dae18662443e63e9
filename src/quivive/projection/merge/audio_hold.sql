-- The latest word on a hold is current.
CREATE OR REPLACE TEMP TABLE fresh_hold AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY hold_hi, hold_lo ORDER BY version DESC, tie DESC) AS nth
    FROM staged_audio_hold s
) WHERE nth = 1;
DELETE FROM fresh_hold f USING audio_hold c
WHERE c.hold_hi = f.hold_hi AND c.hold_lo = f.hold_lo AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM audio_hold c USING fresh_hold f WHERE c.hold_hi = f.hold_hi AND c.hold_lo = f.hold_lo;
INSERT INTO audio_hold BY NAME SELECT * FROM fresh_hold;
