-- Recordings that sources told of, by their own key, the key of their file or that of their call.
WITH asked AS (
    SELECT DISTINCT CAST(concat('0x', k[1:16]) AS UBIGINT) AS key_hi, CAST(concat('0x', k[17:32]) AS UBIGINT) AS key_lo
    FROM (SELECT unnest($keys) AS k)
),
found AS (
    SELECT r.recording_hi, r.recording_lo FROM recording r
    JOIN asked a ON (r.location_hi = a.key_hi AND r.location_lo = a.key_lo)
    UNION
    SELECT r.recording_hi, r.recording_lo FROM recording r
    JOIN asked a ON (r.contact_hi = a.key_hi AND r.contact_lo = a.key_lo)
    UNION
    SELECT key_hi, key_lo FROM asked
)
SELECT
    t.recording_hi, t.recording_lo, t.controller, t.of_campaign AS campaign, t.contact_hi, t.contact_lo, t.queue,
    t.location_hi, t.location_lo, t.started_at, t.ended_at, t.call_ended_at
FROM scoped_recording t
JOIN found f ON f.recording_hi = t.recording_hi AND f.recording_lo = t.recording_lo
ORDER BY t.recording_hi, t.recording_lo
