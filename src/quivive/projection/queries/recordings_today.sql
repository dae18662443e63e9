-- Recordings of the period, newest first: campaign, what the gate had said, how often each was heard. `paused` counts
-- interrupted stretches; `agent_code` only where the recordings module is active.
SELECT
    r.recording_hi, r.recording_lo, r.controller, r.source, r.of_campaign AS campaign, r.queue, r.started_at, r.ended_at,
    r.gate_reason, r.gate_allowed, r.ident_hi, r.ident_lo,
    CAST((length(r.segments) - length(replace(r.segments, '"paused"', ''))) / 8 AS BIGINT) AS paused,
    (
        SELECT COUNT(*) FROM listening l
        WHERE l.controller = r.controller
            AND ((l.recording_hi = r.recording_hi AND l.recording_lo = r.recording_lo)
                OR (l.recording_hi = r.location_hi AND l.recording_lo = r.location_lo
                    AND (r.location_hi <> 0 OR r.location_lo <> 0)))
    ) AS heard
FROM scoped_recording r
ORDER BY r.at DESC, r.recording_hi, r.recording_lo
LIMIT COALESCE($limit, 200)
