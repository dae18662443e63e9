-- The accesses by which one person opened victims, oldest first, and whether any of them had no reason.
SELECT
    a.access_hi, a.access_lo, a.started_at, v.victim,
    EXISTS (
        SELECT 1 FROM all_verdict r
        WHERE r.started_at = a.started_at AND r.access_hi = a.access_hi AND r.access_lo = a.access_lo
            AND r.verdict = 'unexplained'
    ) AS is_unexplained
FROM all_exposure e
JOIN victim_key v ON v.controller = e.controller AND v.key_hi = e.key_hi AND v.key_lo = e.key_lo
JOIN all_access a ON a.started_at = e.started_at AND a.access_hi = e.access_hi AND a.access_lo = e.access_lo
LEFT JOIN account_span s
    ON s.controller = a.controller AND s.agent_hi = a.agent_hi AND s.agent_lo = a.agent_lo
    AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
WHERE a.controller = $controller AND a.started_at >= $from_at AND a.started_at < $to_at
    AND COALESCE(s.person_hi, a.agent_hi) = $ident_hi AND COALESCE(s.person_lo, a.agent_lo) = $ident_lo
ORDER BY a.started_at, a.access_hi, a.access_lo, v.victim
