-- Contacts touched since the last judgement: new versions, new links of their keys, legs of changed accounts.
SELECT c.*
FROM contact c
JOIN (
    SELECT contact_hi, contact_lo FROM dirty_contact
    UNION SELECT s.contact_hi, s.contact_lo FROM contact_subject s
        JOIN live_key k ON k.controller = s.controller AND k.key_hi = s.key_hi AND k.key_lo = s.key_lo
    UNION SELECT l.contact_hi, l.contact_lo FROM leg l
        JOIN dirty_agent d ON d.controller = l.controller AND d.agent_hi = l.agent_hi AND d.agent_lo = l.agent_lo
) AS d ON d.contact_hi = c.contact_hi AND d.contact_lo = c.contact_lo
