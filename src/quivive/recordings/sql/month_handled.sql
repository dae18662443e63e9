-- Calls handled inside a campaign's periods of a month, by its queues and population; [] stands for all of them.
WITH period AS (
    SELECT unnest($begins) AS from_at, unnest($ends) AS to_at
),
spoken AS (
    SELECT DISTINCT c.contact_hi, c.contact_lo
    FROM contact c
    JOIN period p ON c.started_at >= p.from_at AND c.started_at < p.to_at
    JOIN leg l ON l.controller = c.controller AND l.contact_hi = c.contact_hi AND l.contact_lo = c.contact_lo
    LEFT JOIN account_span s
        ON s.controller = l.controller AND s.agent_hi = l.agent_hi AND s.agent_lo = l.agent_lo
        AND s.valid_from <= c.started_at AND c.started_at < s.valid_to
    LEFT JOIN agent a ON a.person_hi = s.person_hi AND a.person_lo = s.person_lo
    WHERE c.controller = $controller AND c.contact_kind = 'call' AND l.leg_role = 'agent'
        AND (len($queues) = 0 OR list_contains($queues, c.queue))
        AND (len($teams) = 0 OR list_contains($teams, a.team))
        AND (len($sites) = 0 OR list_contains($sites, a.site))
)
SELECT COUNT(*) FROM spoken
