-- Every word on a seed is kept: the commitment with its instant, then the seed with its own; the same word once.
INSERT INTO recording_seed BY NAME
SELECT DISTINCT s.* FROM staged_recording_seed s
WHERE NOT EXISTS (
    SELECT 1 FROM recording_seed c
    WHERE c.controller = s.controller AND c.campaign = s.campaign AND c.day = s.day AND c.tie = s.tie
        AND c.written_at = s.written_at
);
