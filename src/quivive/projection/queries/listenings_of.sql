-- Who listened to one person, and why, newest first: kind, reason, campaign, how long; the listener stays a role.
-- $person is the session's own: only the own-space route may call this.
SELECT
    l.listening_hi, l.listening_lo, l.controller, l.listening_kind, l.of_campaign AS campaign, l.reason, l.started_at,
    l.ended_at, l.heard_ms
FROM scoped_listening l
WHERE l.ident_hi = $person_hi AND l.ident_lo = $person_lo
ORDER BY l.at DESC, l.listening_hi, l.listening_lo
LIMIT COALESCE($limit, 200)
