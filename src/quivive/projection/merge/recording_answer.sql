-- One row an answer. A yes that the disk refused is told again as a no under the same name: the no counts.
CREATE OR REPLACE TEMP TABLE fresh_answer AS
SELECT * EXCLUDE (nth) FROM (
    SELECT
        s.*,
        ROW_NUMBER() OVER (
            PARTITION BY answer_hi, answer_lo ORDER BY CASE WHEN allowed THEN 1 ELSE 0 END, tie DESC
        ) AS nth
    FROM staged_recording_answer s
) WHERE nth = 1;
DELETE FROM fresh_answer f USING recording_answer c
WHERE c.answer_hi = f.answer_hi AND c.answer_lo = f.answer_lo AND (f.allowed OR NOT c.allowed);
DELETE FROM recording_answer c USING fresh_answer f WHERE c.answer_hi = f.answer_hi AND c.answer_lo = f.answer_lo;
INSERT INTO recording_answer BY NAME SELECT * FROM fresh_answer;
