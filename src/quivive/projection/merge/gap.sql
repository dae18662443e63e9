-- A gap told twice is one gap.
INSERT INTO gap BY NAME
SELECT DISTINCT s.* FROM staged_gap s
WHERE NOT EXISTS (
    SELECT 1 FROM gap g
    WHERE g.controller = s.controller AND g.source = s.source AND g.from_at = s.from_at AND g.to_at = s.to_at
        AND g.cause = s.cause AND g.lost = s.lost
);
