-- The highest version of a recording is current; of equal ones the greater content, in any order of arrival;
-- told twice, it goes with the later day.
CREATE OR REPLACE TEMP TABLE fresh_recording AS
SELECT * EXCLUDE (nth) FROM (
    SELECT
        s.*,
        ROW_NUMBER() OVER (PARTITION BY recording_hi, recording_lo ORDER BY version DESC, tie DESC, noted_at DESC) AS nth
    FROM staged_recording s
) WHERE nth = 1;
DELETE FROM fresh_recording f USING recording c
WHERE c.recording_hi = f.recording_hi AND c.recording_lo = f.recording_lo
    AND (c.version, c.tie, c.noted_at) >= (f.version, f.tie, f.noted_at);
DELETE FROM recording c USING fresh_recording f
WHERE c.recording_hi = f.recording_hi AND c.recording_lo = f.recording_lo;
INSERT INTO recording BY NAME SELECT * FROM fresh_recording;
