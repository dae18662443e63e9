-- The highest version of a recording is current.
CREATE OR REPLACE TEMP TABLE fresh_told AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY recording_hi, recording_lo ORDER BY version DESC, tie DESC) AS nth
    FROM staged_audio_told s
) WHERE nth = 1;
DELETE FROM fresh_told f USING audio_told c
WHERE c.recording_hi = f.recording_hi AND c.recording_lo = f.recording_lo AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM audio_told c USING fresh_told f
WHERE c.recording_hi = f.recording_hi AND c.recording_lo = f.recording_lo;
INSERT INTO audio_told BY NAME SELECT * FROM fresh_told;
