-- What a second source tells: one row per access id, of its parts the final one. Nothing of it is ever judged.
CREATE OR REPLACE TEMP TABLE fresh_second AS
SELECT * EXCLUDE (nth, final, part, tie) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY access_hi, access_lo ORDER BY final DESC, part DESC, tie DESC) AS nth
    FROM staged_second_access s
) WHERE nth = 1;
DELETE FROM second_access a USING fresh_second f
WHERE a.access_hi = f.access_hi AND a.access_lo = f.access_lo AND a.started_at = f.started_at;
INSERT INTO second_access BY NAME SELECT * FROM fresh_second;
INSERT INTO second_exposure BY NAME
SELECT DISTINCT s.* FROM staged_second_exposure s
WHERE NOT EXISTS (
    SELECT 1 FROM second_exposure e
    WHERE e.access_hi = s.access_hi AND e.access_lo = s.access_lo AND e.started_at = s.started_at
        AND e.key_hi = s.key_hi AND e.key_lo = s.key_lo
);
