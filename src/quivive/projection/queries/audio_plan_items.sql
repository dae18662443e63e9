-- Objects of one plan in order of their ids, after $after.
SELECT
    i.audio_hi, i.audio_lo, i.store, i.campaign, i.recording_hi, i.recording_lo, i.reason, i.clock, i.ended_at,
    i.limit_days, i.size_bytes, i.sha256
FROM audio_plan_item i
WHERE i.plan_hi = $plan_hi AND i.plan_lo = $plan_lo AND list_contains($controllers, i.controller)
    AND (i.audio_hi, i.audio_lo) > (COALESCE($after_hi, 0), COALESCE($after_lo, 0))
ORDER BY i.audio_hi, i.audio_lo
LIMIT COALESCE($limit, 5000)
