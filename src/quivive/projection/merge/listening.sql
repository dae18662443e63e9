-- The highest version of a listening is current; of equal ones the greater content, in any order of arrival;
-- told twice, it goes with the later day.
CREATE OR REPLACE TEMP TABLE fresh_listening AS
SELECT * EXCLUDE (nth) FROM (
    SELECT
        s.*,
        ROW_NUMBER() OVER (PARTITION BY listening_hi, listening_lo ORDER BY version DESC, tie DESC, noted_at DESC) AS nth
    FROM staged_listening s
) WHERE nth = 1;
DELETE FROM fresh_listening f USING listening c
WHERE c.listening_hi = f.listening_hi AND c.listening_lo = f.listening_lo
    AND (c.version, c.tie, c.noted_at) >= (f.version, f.tie, f.noted_at);
DELETE FROM listening c USING fresh_listening f
WHERE c.listening_hi = f.listening_hi AND c.listening_lo = f.listening_lo;
INSERT INTO listening BY NAME SELECT * FROM fresh_listening;
