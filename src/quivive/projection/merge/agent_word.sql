-- Every word stays, a correction beside what it corrects; the latest is current. The access is judged again (E22).
CREATE OR REPLACE TEMP TABLE fresh_word AS
SELECT DISTINCT s.* FROM staged_agent_word s
WHERE NOT EXISTS (
    SELECT 1 FROM agent_word a
    WHERE a.question_hi = s.question_hi AND a.question_lo = s.question_lo AND a.answered_at = s.answered_at
        AND a.tie = s.tie
);
INSERT INTO agent_word BY NAME SELECT * FROM fresh_word;
INSERT INTO dirty_access
SELECT DISTINCT a.access_hi, a.access_lo, a.started_at
FROM access a JOIN fresh_word f ON f.access_hi = a.access_hi AND f.access_lo = a.access_lo;
