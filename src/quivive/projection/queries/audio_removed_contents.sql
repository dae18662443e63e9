-- Of these contents, those removed under a certificate, and the plan that removed them first; not what a hold kept of it.
WITH finished AS (SELECT DISTINCT plan_hi, plan_lo, attempt FROM audio_step WHERE step = 'finished'),
kept AS (
    SELECT s.plan_hi, s.plan_lo, unnest(string_split(s.kept, ',')) AS audio
    FROM audio_step s
    JOIN finished f ON f.plan_hi = s.plan_hi AND f.plan_lo = s.plan_lo AND f.attempt = s.attempt
    WHERE s.kept <> ''
)
SELECT sha256, plan_hi, plan_lo FROM (
    SELECT
        i.sha256, i.plan_hi, i.plan_lo,
        ROW_NUMBER() OVER (PARTITION BY i.sha256 ORDER BY p.planned_at, i.plan_hi, i.plan_lo) AS nth
    FROM audio_plan_item i
    JOIN finished f
        ON f.plan_hi = i.plan_hi AND f.plan_lo = i.plan_lo
    JOIN audio_plan p ON p.plan_hi = i.plan_hi AND p.plan_lo = i.plan_lo AND p.part = 1
    WHERE list_contains($controllers, i.controller) AND list_contains($hashes, i.sha256) AND NOT EXISTS (
        SELECT 1 FROM kept k
        WHERE k.plan_hi = i.plan_hi AND k.plan_lo = i.plan_lo AND k.audio = printf('%016x%016x', i.audio_hi, i.audio_lo)
    )
)
WHERE nth = 1
ORDER BY sha256
