-- Calls by their keys: whose they are, and when they ended.
WITH asked AS (
    SELECT DISTINCT CAST(concat('0x', k[1:16]) AS UBIGINT) AS key_hi, CAST(concat('0x', k[17:32]) AS UBIGINT) AS key_lo
    FROM (SELECT unnest($keys) AS k)
)
SELECT c.contact_hi, c.contact_lo, c.controller, COALESCE(NULLIF(c.queue, ''), c.campaign) AS queue, c.started_at, c.ended_at
FROM scoped_contact c JOIN asked a ON c.contact_hi = a.key_hi AND c.contact_lo = a.key_lo
ORDER BY c.contact_hi, c.contact_lo
