-- Plans of removal, newest first, with their last step and the agreement of two persons. $plan NULL gives all.
WITH last_step AS (
    SELECT * EXCLUDE (nth) FROM (
        SELECT
            s.*,
            ROW_NUMBER() OVER (
                PARTITION BY plan_hi, plan_lo ORDER BY (step = 'finished') DESC, attempt DESC, stepped_at DESC, tie DESC
            ) AS nth
        FROM audio_step s
    ) WHERE nth = 1
),
agreed AS (
    SELECT * EXCLUDE (nth) FROM (
        SELECT a.*, ROW_NUMBER() OVER (PARTITION BY object ORDER BY proposed_at DESC, approval_hi, approval_lo) AS nth
        FROM approval a WHERE act = 'recordings_purge'
    ) WHERE nth = 1
)
SELECT
    p.plan_hi, p.plan_lo, p.controller, p.parts, p.digest, p.planned_by, p.planned_role, p.planned_at, p.stores,
    p.declared, p.follows_hi, p.follows_lo, p.objects, p.counts,
    (SELECT SUM(c.items) FROM audio_plan c WHERE c.plan_hi = p.plan_hi AND c.plan_lo = p.plan_lo) AS items,
    COALESCE(s.step, '') AS step, COALESCE(s.attempt, 0) AS attempt, COALESCE(s.stepped_at, 0) AS stepped_at,
    COALESCE(s.removed, 0) AS removed, COALESCE(s.left_over, 0) AS left_over, COALESCE(s.failures, '[]') AS failures,
    COALESCE(a.approval_hi, 0) AS approval_hi, COALESCE(a.approval_lo, 0) AS approval_lo,
    COALESCE(a.state, '') AS state, COALESCE(a.decided_by, '') AS decided_by,
    COALESCE(a.decided_at, 0) AS decided_at, COALESCE(a.expires_at, 0) AS expires_at,
    COALESCE(a.valid_us, 0) AS valid_us
FROM audio_plan p
LEFT JOIN last_step s ON s.plan_hi = p.plan_hi AND s.plan_lo = p.plan_lo
LEFT JOIN agreed a ON a.object = printf('%016x%016x', p.plan_hi, p.plan_lo)
WHERE p.part = 1 AND list_contains($controllers, p.controller)
    AND ($plan_hi IS NULL OR (p.plan_hi = $plan_hi AND p.plan_lo = $plan_lo))
ORDER BY p.planned_at DESC, p.plan_hi, p.plan_lo
LIMIT COALESCE($limit, 200)
