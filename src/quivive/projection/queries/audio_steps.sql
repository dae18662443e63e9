-- Every attempt at one plan, the first one first.
SELECT attempt, step, stepped_at, principal, removed, left_over, failures
FROM audio_step
WHERE plan_hi = $plan_hi AND plan_lo = $plan_lo AND list_contains($controllers, controller)
ORDER BY stepped_at, attempt, step DESC
