-- Sessions in which somebody works beside an agent of the touched contacts: those contacts are his reasons too.
SELECT DISTINCT c.*
FROM (
    SELECT DISTINCT o.agent_hi, o.agent_lo
    FROM live_near n
    JOIN leg l ON l.contact_hi = n.contact_hi AND l.contact_lo = n.contact_lo
    JOIN account a ON a.agent_hi = l.agent_hi AND a.agent_lo = l.agent_lo
    JOIN account o ON o.person_hi = a.person_hi AND o.person_lo = a.person_lo
    UNION
    SELECT DISTINCT l.agent_hi, l.agent_lo
    FROM live_near n JOIN leg l ON l.contact_hi = n.contact_hi AND l.contact_lo = n.contact_lo
) AS a
JOIN leg m ON m.agent_hi = a.agent_hi AND m.agent_lo = a.agent_lo AND m.leg_role = 'agent'
JOIN contact c ON c.contact_hi = m.contact_hi AND c.contact_lo = m.contact_lo
LEFT JOIN live_near n ON n.contact_hi = c.contact_hi AND n.contact_lo = c.contact_lo
WHERE c.contact_kind IN ('training', 'assistance') AND n.contact_hi IS NULL
