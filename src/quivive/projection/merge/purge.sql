-- A certificate that was written twice (a purge resumed after a kill) is one row.
INSERT INTO purge BY NAME
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY certificate_hi, certificate_lo, part ORDER BY noted_at, tie) AS nth
    FROM staged_purge s
) f
WHERE nth = 1
    AND NOT EXISTS (
        SELECT 1 FROM purge p
        WHERE p.certificate_hi = f.certificate_hi AND p.certificate_lo = f.certificate_lo AND p.part = f.part
    );
