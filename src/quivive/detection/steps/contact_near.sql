-- Contacts that may be a reason for the work: of its agents, of a colleague they learn from or help, or of a team,
-- with windows that touch its instants (`kind_reach`: the widest of each kind, with the margin of stated contacts).
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
mate AS (
    -- Colleagues in the sessions of those agents, with all their accounts.
    SELECT m.agent_hi, m.agent_lo
    FROM leg l
    JOIN near_agent a ON a.agent_hi = l.agent_hi AND a.agent_lo = l.agent_lo
    JOIN leg m ON m.contact_hi = l.contact_hi AND m.contact_lo = l.contact_lo AND m.leg_role = 'agent'
    WHERE l.leg_role IN ('learner', 'helper')
),
near_leg AS (
    SELECT DISTINCT l.contact_hi, l.contact_lo
    FROM leg l
    JOIN (
        SELECT agent_hi, agent_lo FROM near_agent
        UNION SELECT agent_hi, agent_lo FROM mate
        UNION SELECT o.agent_hi, o.agent_lo
        FROM mate m
        JOIN account c ON c.agent_hi = m.agent_hi AND c.agent_lo = m.agent_lo
        JOIN account o ON o.person_hi = c.person_hi AND o.person_lo = c.person_lo
    ) AS a ON a.agent_hi = l.agent_hi AND a.agent_lo = l.agent_lo
),
spanned AS (
    SELECT
        c.contact_hi, c.contact_lo, k.before_us, k.after_us, k.max_us, k.is_capped,
        LEAST(
            NULLIF(c.preview_at, 0), NULLIF(c.offered_at, 0), NULLIF(c.started_at, 0), NULLIF(c.opened_at, 0),
            NULLIF(c.assigned_at, 0), NULLIF(c.due_at, 0), NULLIF(c.ended_at, 0)
        ) AS first_at,
        GREATEST(c.preview_at, c.offered_at, c.started_at, c.opened_at, c.assigned_at, c.due_at) AS begun_at,
        GREATEST(c.ended_at, c.closed_at) AS last_at
    FROM contact c
    JOIN kind_reach k ON k.contact_kind = c.contact_kind
    LEFT JOIN near_leg l ON l.contact_hi = c.contact_hi AND l.contact_lo = c.contact_lo
    WHERE l.contact_hi IS NOT NULL OR (c.contact_kind = 'callback' AND c.team <> '')
)
SELECT c.*
FROM contact c
JOIN spanned s ON s.contact_hi = c.contact_hi AND s.contact_lo = c.contact_lo
CROSS JOIN work_bounds b
WHERE s.first_at - s.before_us <= b.to_at
    -- The hourly cap counts closed items too.
    AND CASE WHEN s.last_at > 0 AND s.is_capped = 0 THEN GREATEST(s.last_at, s.begun_at) + s.after_us
        ELSE s.begun_at + s.max_us + s.after_us END >= b.from_at
