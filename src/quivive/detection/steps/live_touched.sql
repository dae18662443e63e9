-- Accesses that a touched contact may concern.
SELECT DISTINCT u.access_hi, u.access_lo, u.started_at
FROM (
    -- Touched calls and sessions: accesses of their agents in their windows, with the margin of stated contacts.
    SELECT a.access_hi, a.access_lo, a.started_at
    FROM all_access a
    JOIN (
        SELECT w.controller, w.from_at, w.to_at, k.agent_hi, k.agent_lo FROM contact_window w
        JOIN live_near n ON n.contact_hi = w.contact_hi AND n.contact_lo = w.contact_lo
        JOIN account k ON k.controller = w.controller AND k.person_hi = w.ident_hi AND k.person_lo = w.ident_lo
        WHERE w.contact_kind = 'call' OR w.shape = 'companion'
        UNION SELECT w.controller, w.from_at, w.to_at, w.ident_hi, w.ident_lo FROM contact_window w
        JOIN live_near n ON n.contact_hi = w.contact_hi AND n.contact_lo = w.contact_lo
        WHERE w.contact_kind = 'call' OR w.shape = 'companion'
    ) AS w ON w.controller = a.controller AND w.agent_hi = a.agent_hi AND w.agent_lo = a.agent_lo
    WHERE a.started_at >= w.from_at - 600000000 AND a.started_at <= w.to_at + 600000000
    UNION ALL
    -- Touched work: accesses that show its customers.
    SELECT e.access_hi, e.access_lo, e.started_at FROM all_exposure e
    JOIN live_subject_key k ON k.controller = e.controller AND k.key_hi = e.key_hi AND k.key_lo = e.key_lo
    UNION ALL
    -- Touched runs: accesses of their accounts.
    SELECT a.access_hi, a.access_lo, a.started_at FROM all_access a
    JOIN live_near c
        ON c.contact_kind = 'job' AND c.controller = a.controller AND c.account_hi = a.account_hi
        AND c.account_lo = a.account_lo
    JOIN kind_reach k ON k.contact_kind = c.contact_kind
    WHERE a.agent_hi = 0 AND a.agent_lo = 0 AND (a.account_hi <> 0 OR a.account_lo <> 0)
        AND a.started_at >= c.opened_at AND a.started_at <= c.opened_at + k.max_us
    UNION ALL
    -- Verdicts that rest on a touched contact.
    SELECT v.access_hi, v.access_lo, v.started_at FROM verdict_current v
    JOIN live_near c ON c.contact_hi = v.contact_hi AND c.contact_lo = v.contact_lo
) AS u
JOIN all_access a ON a.started_at = u.started_at AND a.access_hi = u.access_hi AND a.access_lo = u.access_lo
