-- Of these sizes, those that something removed under a certificate had: only such objects are worth hashing.
SELECT DISTINCT i.size_bytes
FROM audio_plan_item i
JOIN (SELECT DISTINCT plan_hi, plan_lo FROM audio_step WHERE step = 'finished') f
    ON f.plan_hi = i.plan_hi AND f.plan_lo = i.plan_lo
WHERE list_contains($controllers, i.controller) AND i.sha256 <> '' AND list_contains($sizes, i.size_bytes)
ORDER BY 1
