-- Contacts that may be a reason for the work: of its agents (or of a team), with windows that touch its instants.
WITH work_agent AS (
    SELECT DISTINCT agent_hi, agent_lo FROM work_access WHERE agent_hi <> 0 OR agent_lo <> 0
),
near_agent AS (
    -- Every account of the persons behind the work's accounts.
    SELECT o.agent_hi, o.agent_lo
    FROM work_agent w
    JOIN account c ON c.agent_hi = w.agent_hi AND c.agent_lo = w.agent_lo
    JOIN account o ON o.person_hi = c.person_hi AND o.person_lo = c.person_lo
    UNION SELECT agent_hi, agent_lo FROM work_agent
),
near_leg AS (
    SELECT DISTINCT l.contact_hi, l.contact_lo
    FROM leg l JOIN near_agent a ON a.agent_hi = l.agent_hi AND a.agent_lo = l.agent_lo
)
SELECT c.*
FROM contact c
CROSS JOIN work_bounds b
LEFT JOIN near_leg l ON l.contact_hi = c.contact_hi AND l.contact_lo = c.contact_lo
WHERE
    (c.contact_kind = 'call' AND l.contact_hi IS NOT NULL
        AND GREATEST(c.preview_at, c.offered_at, c.started_at) - 1200000000 <= b.to_at
        AND CASE WHEN c.ended_at > 0 THEN c.ended_at + 1200000000
            ELSE GREATEST(c.preview_at, c.offered_at, c.started_at) + 18000000000 END >= b.from_at)
    OR (c.contact_kind = 'callback' AND (l.contact_hi IS NOT NULL OR c.team <> '')
        AND c.due_at - 3600000000 <= b.to_at AND c.due_at + 28800000000 >= b.from_at)
    OR (c.contact_kind = 'ticket' AND l.contact_hi IS NOT NULL
        AND (c.closed_at = 0 OR c.closed_at + 172800000000 >= b.from_at))
