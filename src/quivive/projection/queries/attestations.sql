-- Reviewers' attestations of the period, newest first: who attested which day, and how the alerts stood then.
SELECT controller, day, principal, role, attested_at, open_alerts, closed_alerts, overdue_alerts
FROM attestation
WHERE list_contains($controllers, controller) AND attested_at >= $from_at AND attested_at < $to_at
ORDER BY day DESC, controller, principal
LIMIT COALESCE($limit, 5000)
