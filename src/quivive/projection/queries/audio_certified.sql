-- Objects that were removed under a certificate, and the plan that removed them first; not what a hold kept of it.
WITH asked AS (
    SELECT DISTINCT CAST(concat('0x', k[1:16]) AS UBIGINT) AS key_hi, CAST(concat('0x', k[17:32]) AS UBIGINT) AS key_lo
    FROM (SELECT unnest($keys) AS k)
),
finished AS (SELECT DISTINCT plan_hi, plan_lo, attempt FROM audio_step WHERE step = 'finished'),
kept AS (
    SELECT s.plan_hi, s.plan_lo, unnest(string_split(s.kept, ',')) AS audio
    FROM audio_step s
    JOIN finished f ON f.plan_hi = s.plan_hi AND f.plan_lo = s.plan_lo AND f.attempt = s.attempt
    WHERE s.kept <> ''
),
removed AS (
    SELECT i.audio_hi, i.audio_lo, i.plan_hi, i.plan_lo, p.planned_at
    FROM audio_plan_item i
    JOIN asked a ON i.audio_hi = a.key_hi AND i.audio_lo = a.key_lo
    JOIN finished f ON f.plan_hi = i.plan_hi AND f.plan_lo = i.plan_lo
    JOIN audio_plan p ON p.plan_hi = i.plan_hi AND p.plan_lo = i.plan_lo AND p.part = 1
    WHERE list_contains($controllers, i.controller) AND NOT EXISTS (
        SELECT 1 FROM kept k
        WHERE k.plan_hi = i.plan_hi AND k.plan_lo = i.plan_lo AND k.audio = printf('%016x%016x', i.audio_hi, i.audio_lo)
    )
)
SELECT audio_hi, audio_lo, plan_hi, plan_lo FROM (
    SELECT r.*, ROW_NUMBER() OVER (PARTITION BY audio_hi, audio_lo ORDER BY planned_at, plan_hi, plan_lo) AS nth
    FROM removed r
)
WHERE nth = 1
ORDER BY audio_hi, audio_lo
