-- Every version of a campaign that records; told twice, once.
INSERT INTO audio_limit BY NAME
SELECT DISTINCT s.* FROM staged_audio_limit s
WHERE NOT EXISTS (
    SELECT 1 FROM audio_limit c
    WHERE c.campaign = s.campaign AND c.version = s.version AND c.state = s.state AND c.tie = s.tie
);
