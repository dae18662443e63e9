-- Every state of a version stays; the same one told twice is one.
INSERT INTO register_campaign BY NAME
SELECT DISTINCT s.* FROM staged_register_campaign s
WHERE NOT EXISTS (
    SELECT 1 FROM register_campaign c
    WHERE c.campaign = s.campaign AND c.version = s.version AND c.rank = s.rank AND c.tie = s.tie
);
