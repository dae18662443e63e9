-- One row per question; told twice, the first one stands.
INSERT INTO agent_question BY NAME
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY question_hi, question_lo ORDER BY asked_at, tie) AS nth
    FROM staged_agent_question s
) f
WHERE nth = 1
    AND NOT EXISTS (
        SELECT 1 FROM agent_question a WHERE a.question_hi = f.question_hi AND a.question_lo = f.question_lo
    );
