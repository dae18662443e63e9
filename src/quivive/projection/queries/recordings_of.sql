-- One's own recordings, newest first: when, for which campaign, why the gate allowed it, how often it was heard.
-- $person is the session's own: only the own-space route may call this.
SELECT
    r.recording_hi, r.recording_lo, r.controller, r.of_campaign AS campaign, r.queue, r.started_at, r.ended_at,
    r.gate_reason, r.gate_allowed,
    (
        SELECT COUNT(*) FROM listening l
        WHERE l.controller = r.controller
            AND ((l.recording_hi = r.recording_hi AND l.recording_lo = r.recording_lo)
                OR (l.recording_hi = r.location_hi AND l.recording_lo = r.location_lo
                    AND (r.location_hi <> 0 OR r.location_lo <> 0)))
    ) AS heard
FROM scoped_recording r
WHERE r.ident_hi = $person_hi AND r.ident_lo = $person_lo
ORDER BY r.at DESC, r.recording_hi, r.recording_lo
LIMIT COALESCE($limit, 200)
