-- Who was heard on one recording: the holder of the account at its start, where the recordings module is active.
SELECT printf('%016x%016x', s.person_hi, s.person_lo) AS person, r.campaign, r.campaign_version
FROM recording r
JOIN account_span s
    ON s.controller = r.controller AND s.agent_hi = r.agent_hi AND s.agent_lo = r.agent_lo
    AND s.valid_from <= r.started_at AND r.started_at < s.valid_to
JOIN gate_state g
    ON g.employer = s.employer AND g.establishment = s.establishment AND g.module = 'recordings' AND g.state = 'active'
WHERE r.controller = $controller AND r.recording_hi = $recording_hi AND r.recording_lo = $recording_lo
ORDER BY r.version DESC
LIMIT 1
