-- One row per access id: of its parts the final one, then the highest, wins whole (ADR 0006).
CREATE OR REPLACE TEMP TABLE fresh_access AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY access_hi, access_lo ORDER BY final DESC, part DESC, tie DESC) AS nth
    FROM staged_access s
) WHERE nth = 1;
DELETE FROM fresh_access f USING access a
WHERE a.access_hi = f.access_hi AND a.access_lo = f.access_lo AND a.started_at = f.started_at
    AND (a.final, a.part, a.tie) >= (f.final, f.part, f.tie);
DELETE FROM access a USING fresh_access f
WHERE a.access_hi = f.access_hi AND a.access_lo = f.access_lo AND a.started_at = f.started_at;
CREATE OR REPLACE TEMP TABLE fresh_exposure AS
SELECT DISTINCT s.* FROM staged_exposure s
WHERE NOT EXISTS (
    SELECT 1 FROM exposure e
    WHERE e.access_hi = s.access_hi AND e.access_lo = s.access_lo AND e.started_at = s.started_at
        AND e.key_hi = s.key_hi AND e.key_lo = s.key_lo
);
CREATE OR REPLACE TEMP TABLE fresh_neighbourhood AS
SELECT DISTINCT s.* FROM staged_access_neighbourhood s
WHERE NOT EXISTS (
    SELECT 1 FROM access_neighbourhood e
    WHERE e.access_hi = s.access_hi AND e.access_lo = s.access_lo AND e.started_at = s.started_at
        AND e.neighbourhood = s.neighbourhood
);
