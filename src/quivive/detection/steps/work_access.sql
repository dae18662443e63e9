-- Accesses to judge, each with the person behind it: the holder of the account at that instant, if informed
-- before it; the account itself when no directory names it; nobody (0/0) otherwise.
SELECT
    a.access_hi, a.access_lo, a.started_at, a.controller, a.coverage, a.distinct_count,
    a.agent_hi, a.agent_lo, a.contact_hi AS stated_hi, a.contact_lo AS stated_lo,
    CASE
        WHEN k.agent_hi IS NULL THEN a.agent_hi
        WHEN s.informed_at > 0 AND s.informed_at <= a.started_at THEN s.person_hi
        ELSE 0
    END AS ident_hi,
    CASE
        WHEN k.agent_hi IS NULL THEN a.agent_lo
        WHEN s.informed_at > 0 AND s.informed_at <= a.started_at THEN s.person_lo
        ELSE 0
    END AS ident_lo,
    CASE WHEN s.informed_at > 0 AND s.informed_at <= a.started_at THEN s.team ELSE '' END AS team
FROM all_access a
JOIN round_work w ON w.started_at = a.started_at AND w.access_hi = a.access_hi AND w.access_lo = a.access_lo
LEFT JOIN agent_known k ON k.controller = a.controller AND k.agent_hi = a.agent_hi AND k.agent_lo = a.agent_lo
LEFT JOIN account_span s
    ON s.controller = a.controller AND s.agent_hi = a.agent_hi AND s.agent_lo = a.agent_lo
    AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
