-- Contacts touched since the last judgement: new versions, new links of their keys, legs of changed accounts; and
-- work of the same hour as touched work under an hourly cap.
WITH touched AS (
    SELECT c.*
    FROM contact c
    JOIN (
        SELECT contact_hi, contact_lo FROM dirty_contact
        UNION SELECT s.contact_hi, s.contact_lo FROM contact_subject s
            JOIN live_key k ON k.controller = s.controller AND k.key_hi = s.key_hi AND k.key_lo = s.key_lo
        UNION SELECT l.contact_hi, l.contact_lo FROM leg l
            JOIN dirty_agent d ON d.controller = l.controller AND d.agent_hi = l.agent_hi AND d.agent_lo = l.agent_lo
    ) AS d ON d.contact_hi = c.contact_hi AND d.contact_lo = c.contact_lo
)
SELECT * FROM touched
UNION
SELECT o.*
FROM touched c
JOIN kind_reach k ON k.contact_kind = c.contact_kind AND k.is_capped = 1
JOIN leg l ON l.contact_hi = c.contact_hi AND l.contact_lo = c.contact_lo
JOIN leg m ON m.controller = l.controller AND m.agent_hi = l.agent_hi AND m.agent_lo = l.agent_lo
JOIN contact o ON o.contact_hi = m.contact_hi AND o.contact_lo = m.contact_lo AND o.contact_kind = c.contact_kind
WHERE o.opened_at - o.opened_at % 3600000000 = c.opened_at - c.opened_at % 3600000000
