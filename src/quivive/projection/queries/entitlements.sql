-- Accounts of people by their neutral code: since when, until when, last used in the period, and whether the person has
-- left. An account never used in the period proposes itself for closing.
SELECT
    s.controller, s.person_hi AS ident_hi, s.person_lo AS ident_lo, s.valid_from, s.valid_to,
    COALESCE(MAX(a.started_at), 0) AS last_at, COUNT(a.started_at) AS accesses,
    COALESCE(MAX(p.active_to), 0) AS left_at
FROM account_span s
JOIN gate_active g ON g.employer = s.employer AND g.establishment = s.establishment
LEFT JOIN scoped_access a
    ON a.controller = s.controller AND a.agent_hi = s.agent_hi AND a.agent_lo = s.agent_lo
    AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
LEFT JOIN agent p ON p.person_hi = s.person_hi AND p.person_lo = s.person_lo
WHERE list_contains($controllers, s.controller)
GROUP BY s.controller, s.person_hi, s.person_lo, s.agent_hi, s.agent_lo, s.valid_from, s.valid_to
ORDER BY s.controller, s.person_hi, s.person_lo, s.valid_from
