-- Other accesses of the same person in those calls (the account is resolved again in the next round).
SELECT DISTINCT a.access_hi, a.access_lo, a.started_at
FROM all_access a
JOIN (
    SELECT n.*, k.agent_hi, k.agent_lo FROM need_window n
    JOIN account k ON k.controller = n.controller AND k.person_hi = n.ident_hi AND k.person_lo = n.ident_lo
    UNION ALL
    SELECT n.*, n.ident_hi AS agent_hi, n.ident_lo AS agent_lo FROM need_window n
) AS n ON n.controller = a.controller AND n.agent_hi = a.agent_hi AND n.agent_lo = a.agent_lo
    AND n.piece = a.started_at - a.started_at % 600000000
LEFT JOIN work_access w ON w.access_hi = a.access_hi AND w.access_lo = a.access_lo AND w.started_at = a.started_at
WHERE a.started_at >= n.from_at AND a.started_at <= n.to_at AND w.access_hi IS NULL
