-- A certificate is a function of what was removed: told twice, the first one stands.
INSERT INTO audio_certificate BY NAME
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY certificate_hi, certificate_lo, part ORDER BY verified_absent_at, tie) AS nth
    FROM staged_audio_certificate s
) f
WHERE nth = 1
    AND NOT EXISTS (
        SELECT 1 FROM audio_certificate c
        WHERE c.certificate_hi = f.certificate_hi AND c.certificate_lo = f.certificate_lo AND c.part = f.part
    );
