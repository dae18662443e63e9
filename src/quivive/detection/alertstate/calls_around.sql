-- The person's last call begun before an instant and the first one after it, 0 for none.
SELECT
    COALESCE(MAX(CASE WHEN c.started_at <= $at THEN c.started_at END), 0) AS before_at,
    COALESCE(MIN(CASE WHEN c.started_at > $at THEN c.started_at END), 0) AS after_at
FROM leg l
JOIN account_span s
    ON s.controller = l.controller AND s.agent_hi = l.agent_hi AND s.agent_lo = l.agent_lo
JOIN contact c ON c.contact_hi = l.contact_hi AND c.contact_lo = l.contact_lo AND c.contact_kind = 'call'
WHERE s.person_hi = $person_hi AND s.person_lo = $person_lo AND c.started_at > 0
    AND c.started_at >= $at - 43200000000 AND c.started_at <= $at + 43200000000
