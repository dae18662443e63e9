-- Recordings that one person may be allowed to hear: of campaigns that name him, and not past their limit. No agent.
WITH limited AS (
    SELECT * EXCLUDE (nth) FROM (
        SELECT
            l.*,
            ROW_NUMBER() OVER (
                PARTITION BY controller, campaign ORDER BY version DESC, (state = 'ended') DESC, tie
            ) AS nth
        FROM audio_limit l WHERE list_contains($controllers, controller) AND state IN ('announced', 'ended')
    ) WHERE nth = 1
)
SELECT
    r.recording_hi, r.recording_lo, r.controller, r.of_campaign AS campaign, r.queue, r.started_at, r.ended_at,
    l.purpose,
    GREATEST(r.call_ended_at, r.ended_at) + l.retention_days * 86400000000 AS expires_at
FROM scoped_recording r
JOIN limited l ON l.controller = r.controller AND l.campaign = r.of_campaign
WHERE list_contains(string_split(l.listeners, ','), $principal)
    AND GREATEST(r.call_ended_at, r.ended_at) + l.retention_days * 86400000000 > $as_of
ORDER BY r.at DESC, r.recording_hi, r.recording_lo
LIMIT COALESCE($limit, 200)
