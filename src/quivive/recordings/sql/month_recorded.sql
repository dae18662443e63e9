-- Recordings made inside a campaign's periods of a month, by person; those of nobody known come under zero.
WITH active AS (
    SELECT DISTINCT employer, establishment FROM gate_state WHERE module = 'recordings' AND state = 'active'
),
period AS (
    SELECT unnest($begins) AS from_at, unnest($ends) AS to_at
),
made AS (
    SELECT DISTINCT
        r.recording_hi, r.recording_lo, r.started_at, COALESCE(s.person_hi, 0) AS person_hi,
        COALESCE(s.person_lo, 0) AS person_lo
    FROM recording r
    JOIN period p ON r.started_at >= p.from_at AND r.started_at < p.to_at
    LEFT JOIN account_span s
        ON s.controller = r.controller AND s.agent_hi = r.agent_hi AND s.agent_lo = r.agent_lo
        AND s.valid_from <= r.started_at AND r.started_at < s.valid_to
        AND EXISTS (
            SELECT 1 FROM active g WHERE g.employer = s.employer AND g.establishment = s.establishment
        )
    LEFT JOIN agent a ON a.person_hi = s.person_hi AND a.person_lo = s.person_lo
    WHERE r.controller = $controller
        AND (len($queues) = 0 OR r.queue = '' OR list_contains($queues, r.queue))
        AND (len($teams) = 0 OR list_contains($teams, a.team))
        AND (len($sites) = 0 OR list_contains($sites, a.site))
)
SELECT person_hi, person_lo, COUNT(*) AS recordings, MAX(started_at) AS last_at FROM made
GROUP BY person_hi, person_lo
