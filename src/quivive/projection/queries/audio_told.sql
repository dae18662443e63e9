-- Recordings that sources told of, by their own key, the key of their file or that of their call.
WITH asked AS (
    SELECT DISTINCT CAST(concat('0x', k[1:16]) AS UBIGINT) AS key_hi, CAST(concat('0x', k[17:32]) AS UBIGINT) AS key_lo
    FROM (SELECT unnest($keys) AS k)
)
SELECT
    t.recording_hi, t.recording_lo, t.controller, t.campaign, t.contact_hi, t.contact_lo, t.queue, t.location_hi,
    t.location_lo, t.started_at, t.ended_at, t.call_ended_at
FROM recording t
WHERE list_contains($controllers, t.controller)
    AND EXISTS (
        SELECT 1 FROM asked a
        WHERE (t.location_hi = a.key_hi AND t.location_lo = a.key_lo)
            OR (t.contact_hi = a.key_hi AND t.contact_lo = a.key_lo)
            OR (t.recording_hi = a.key_hi AND t.recording_lo = a.key_lo)
    )
ORDER BY t.recording_hi, t.recording_lo
