-- Openings that may follow a listing of the work: same account, within the window of E18.
SELECT DISTINCT o.access_hi, o.access_lo, o.started_at
FROM all_access a
JOIN round_work w ON w.started_at = a.started_at AND w.access_hi = a.access_hi AND w.access_lo = a.access_lo
JOIN template t ON t.shape = 'listing'
JOIN all_access o
    ON o.controller = a.controller AND o.agent_hi = a.agent_hi AND o.agent_lo = a.agent_lo
    AND o.started_at - o.started_at % 600000000 IN (a.started_at - a.started_at % 600000000, a.started_at - a.started_at % 600000000 + 600000000)
WHERE a.distinct_count BETWEEN 2 AND 500 AND (a.agent_hi <> 0 OR a.agent_lo <> 0)
    AND o.started_at >= a.started_at AND o.started_at <= a.started_at + t.after_us
