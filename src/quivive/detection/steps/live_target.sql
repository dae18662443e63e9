-- What must be judged now: what arrived, what new links and accounts touch, what has become decidable.
SELECT DISTINCT u.access_hi, u.access_lo, u.started_at
FROM (
    SELECT access_hi, access_lo, started_at FROM dirty_access
    UNION ALL
    -- New links: accesses that show their keys.
    SELECT e.access_hi, e.access_lo, e.started_at FROM all_exposure e
    JOIN live_key k ON k.controller = e.controller AND k.key_hi = e.key_hi AND k.key_lo = e.key_lo
    UNION ALL
    -- Changed accounts.
    SELECT a.access_hi, a.access_lo, a.started_at FROM all_access a
    JOIN dirty_agent d ON d.controller = a.controller AND d.agent_hi = a.agent_hi AND d.agent_lo = a.agent_lo
    UNION ALL
    -- Decidable now, or no longer pending because a source fell silent.
    SELECT v.access_hi, v.access_lo, v.started_at FROM verdict_current v
    JOIN source_state_of j ON j.controller = v.controller
    WHERE NOT v.final AND (
        j.complete_to >= v.started_at + j.lateness_us
        OR (v.verdict = 'pending' AND j.silent_complete_to < v.started_at + j.lateness_us)
        OR (v.verdict = 'unknown' AND v.cause = 'source_silent' AND j.silent_complete_to >= v.started_at + j.lateness_us)
    )
) AS u
JOIN all_access a ON a.started_at = u.started_at AND a.access_hi = u.access_hi AND a.access_lo = u.access_lo
