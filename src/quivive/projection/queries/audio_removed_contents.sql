-- Of these contents, those removed under a certificate, and the plan that removed them first.
SELECT sha256, plan_hi, plan_lo FROM (
    SELECT
        i.sha256, i.plan_hi, i.plan_lo,
        ROW_NUMBER() OVER (PARTITION BY i.sha256 ORDER BY p.planned_at, i.plan_hi, i.plan_lo) AS nth
    FROM audio_plan_item i
    JOIN (SELECT DISTINCT plan_hi, plan_lo FROM audio_step WHERE step = 'finished') f
        ON f.plan_hi = i.plan_hi AND f.plan_lo = i.plan_lo
    JOIN audio_plan p ON p.plan_hi = i.plan_hi AND p.plan_lo = i.plan_lo AND p.part = 1
    WHERE list_contains($controllers, i.controller) AND list_contains($hashes, i.sha256)
)
WHERE nth = 1
ORDER BY sha256
