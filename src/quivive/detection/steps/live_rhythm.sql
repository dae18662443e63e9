-- Other accesses of the same service account in the same ten minutes: the rhythm is one of all of them.
SELECT DISTINCT o.access_hi, o.access_lo, o.started_at
FROM target t
JOIN all_access a ON a.started_at = t.started_at AND a.access_hi = t.access_hi AND a.access_lo = t.access_lo
JOIN all_access o
    ON o.controller = a.controller AND o.account_hi = a.account_hi AND o.account_lo = a.account_lo
    AND o.started_at - o.started_at % 600000000 = a.started_at - a.started_at % 600000000
LEFT JOIN target x ON x.access_hi = o.access_hi AND x.access_lo = o.access_lo
WHERE a.agent_hi = 0 AND a.agent_lo = 0 AND (a.account_hi <> 0 OR a.account_lo <> 0)
    AND o.agent_hi = 0 AND o.agent_lo = 0 AND x.access_hi IS NULL
