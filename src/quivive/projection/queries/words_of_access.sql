-- What the agent declared about one access: declared, never proved. Corrections included, newest first.
SELECT w.category, w.answered_at, ROW_NUMBER() OVER (ORDER BY w.answered_at DESC, w.tie DESC) = 1 AS is_current
FROM agent_word w
WHERE w.access_hi = $access_hi AND w.access_lo = $access_lo AND list_contains($controllers, w.controller)
ORDER BY w.answered_at DESC, w.tie DESC
