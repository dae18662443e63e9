-- Every step of every attempt, once.
INSERT INTO audio_step BY NAME
SELECT DISTINCT s.* FROM staged_audio_step s
WHERE NOT EXISTS (
    SELECT 1 FROM audio_step c
    WHERE c.plan_hi = s.plan_hi AND c.plan_lo = s.plan_lo AND c.attempt = s.attempt AND c.step = s.step
        AND c.tie = s.tie
);
