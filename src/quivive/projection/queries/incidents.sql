-- One operational cause in the place of many alerts, newest first. `to_at` 0 while it lasts. Nobody is named.
SELECT incident_hi, incident_lo, incident_kind, controller, source, from_at, to_at, suppressed, facts FROM incident
WHERE (list_contains($controllers, controller) OR controller = 'operator')
    AND (to_at = 0 OR to_at >= $from_at) AND from_at < $to_at
ORDER BY from_at DESC, incident_hi, incident_lo
LIMIT COALESCE($limit, 100)
