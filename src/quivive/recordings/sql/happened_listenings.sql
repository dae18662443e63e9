-- Listening of some days with the persons of who was heard and who listened, where the recordings module is active.
WITH active AS (
    SELECT DISTINCT employer, establishment FROM gate_state WHERE module = 'recordings' AND state = 'active'
),
holder AS (
    SELECT s.* FROM account_span s
    JOIN active g ON g.employer = s.employer AND g.establishment = s.establishment
),
told AS (
    SELECT l.*, CASE WHEN l.started_at > 0 THEN l.started_at ELSE l.ended_at END AS at FROM listening l
    WHERE list_contains($controllers, l.controller)
)
SELECT
    l.controller, l.listening_hi, l.listening_lo, l.listening_kind, l.contact_hi, l.contact_lo,
    COALESCE(h.person_hi, 0) AS person_hi, COALESCE(h.person_lo, 0) AS person_lo,
    COALESCE(b.person_hi, l.listener_person_hi) AS listener_hi, COALESCE(b.person_lo, l.listener_person_lo) AS listener_lo,
    l.principal, COALESCE(c.queue, '') AS queue, l.started_at, l.ended_at,
    COALESCE(r.recording_hi, l.recording_hi) AS of_hi, COALESCE(r.recording_lo, l.recording_lo) AS of_lo
FROM told l
LEFT JOIN holder h
    ON h.controller = l.controller AND h.agent_hi = l.agent_hi AND h.agent_lo = l.agent_lo
    AND h.valid_from <= l.at AND l.at < h.valid_to
LEFT JOIN holder b
    ON b.controller = l.controller AND b.agent_hi = l.listener_hi AND b.agent_lo = l.listener_lo
    AND b.valid_from <= l.at AND l.at < b.valid_to
LEFT JOIN contact c ON c.controller = l.controller AND c.contact_hi = l.contact_hi AND c.contact_lo = l.contact_lo
LEFT JOIN recording r
    ON r.controller = l.controller AND (r.location_hi <> 0 OR r.location_lo <> 0)
    AND r.location_hi = l.recording_hi AND r.location_lo = l.recording_lo
WHERE l.at >= $from_at AND l.at < $to_at
