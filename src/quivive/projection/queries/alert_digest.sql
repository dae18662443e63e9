-- What each day's budget opened and left out, newest day first. Days are local days of the controller, `yyyymmdd`.
SELECT controller, day, budget, opened, joined, audited, left_out, audit_seed, drift FROM alert_digest
WHERE list_contains($controllers, controller)
    AND ($controller IS NULL OR controller = $controller)
    AND ($from_day IS NULL OR day >= $from_day)
    AND ($to_day IS NULL OR day <= $to_day)
ORDER BY day DESC, controller
LIMIT COALESCE($limit, 62)
