-- Of these sizes, those that something removed under a certificate had: only such objects are worth hashing. Not what a hold kept.
WITH finished AS (SELECT DISTINCT plan_hi, plan_lo, attempt FROM audio_step WHERE step = 'finished'),
kept AS (
    SELECT s.plan_hi, s.plan_lo, unnest(string_split(s.kept, ',')) AS audio
    FROM audio_step s
    JOIN finished f ON f.plan_hi = s.plan_hi AND f.plan_lo = s.plan_lo AND f.attempt = s.attempt
    WHERE s.kept <> ''
)
SELECT DISTINCT i.size_bytes
FROM audio_plan_item i
JOIN finished f
    ON f.plan_hi = i.plan_hi AND f.plan_lo = i.plan_lo
WHERE list_contains($controllers, i.controller) AND i.sha256 <> '' AND list_contains($sizes, i.size_bytes)
    AND NOT EXISTS (
        SELECT 1 FROM kept k
        WHERE k.plan_hi = i.plan_hi AND k.plan_lo = i.plan_lo AND k.audio = printf('%016x%016x', i.audio_hi, i.audio_lo)
    )
ORDER BY 1
