-- Playbacks of our own page that began and never ended: the core was ended while somebody listened.
SELECT
    listening_hi, listening_lo, version, controller, campaign, campaign_version, purpose, reason, recording_hi,
    recording_lo, contact_hi, contact_lo, principal, started_at, heard_ms
FROM listening
WHERE list_contains($controllers, controller) AND listening_kind = 'playback' AND principal <> '' AND ended_at = 0
    AND started_at < $before_at
ORDER BY started_at, listening_hi, listening_lo
LIMIT 1000
