-- Recordings of some days with the person of their agent, where the recordings module is active; else nobody.
WITH active AS (
    SELECT DISTINCT employer, establishment FROM gate_state WHERE module = 'recordings' AND state = 'active'
),
holder AS (
    SELECT s.* FROM account_span s
    JOIN active g ON g.employer = s.employer AND g.establishment = s.establishment
),
told AS (
    SELECT r.*, CASE WHEN r.started_at > 0 THEN r.started_at ELSE r.ended_at END AS at FROM recording r
    WHERE list_contains($controllers, r.controller)
),
-- A switch records the caller's channel and names no agent: then it is whoever spoke in that call at that time.
spoken AS (
    SELECT * EXCLUDE (nth) FROM (
        SELECT
            r.recording_hi, r.recording_lo, l.agent_hi, l.agent_lo,
            ROW_NUMBER() OVER (
                PARTITION BY r.recording_hi, r.recording_lo ORDER BY l.from_at, l.agent_hi, l.agent_lo
            ) AS nth
        FROM told r
        JOIN leg l
            ON l.controller = r.controller AND l.contact_hi = r.contact_hi AND l.contact_lo = r.contact_lo
        WHERE r.agent_hi = 0 AND r.agent_lo = 0 AND l.leg_role = 'agent' AND (l.agent_hi <> 0 OR l.agent_lo <> 0)
            AND (l.to_at = 0 OR l.to_at > r.started_at) AND (r.ended_at = 0 OR l.from_at < r.ended_at)
    ) WHERE nth = 1
)
SELECT
    r.controller, r.recording_hi, r.recording_lo, r.contact_hi, r.contact_lo,
    COALESCE(h.person_hi, 0) AS person_hi, COALESCE(h.person_lo, 0) AS person_lo,
    CASE WHEN r.queue <> '' THEN r.queue ELSE COALESCE(c.queue, '') END AS queue,
    r.started_at, r.ended_at, r.segments
FROM told r
LEFT JOIN spoken k ON k.recording_hi = r.recording_hi AND k.recording_lo = r.recording_lo
LEFT JOIN holder h
    ON h.controller = r.controller AND h.agent_hi = COALESCE(k.agent_hi, r.agent_hi)
    AND h.agent_lo = COALESCE(k.agent_lo, r.agent_lo)
    AND h.valid_from <= r.at AND r.at < h.valid_to
LEFT JOIN contact c ON c.controller = r.controller AND c.contact_hi = r.contact_hi AND c.contact_lo = r.contact_lo
WHERE r.at >= $from_at AND r.at < $to_at
