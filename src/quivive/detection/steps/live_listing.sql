-- Listings of the same account shortly before an opening that is judged now.
SELECT DISTINCT a.access_hi, a.access_lo, a.started_at
FROM all_access o
JOIN target w ON w.started_at = o.started_at AND w.access_hi = o.access_hi AND w.access_lo = o.access_lo
JOIN template t ON t.shape = 'listing'
JOIN all_access a
    ON o.controller = a.controller AND o.agent_hi = a.agent_hi AND o.agent_lo = a.agent_lo
    AND a.started_at - a.started_at % 600000000 IN (o.started_at - o.started_at % 600000000, o.started_at - o.started_at % 600000000 - 600000000)
LEFT JOIN target x ON x.access_hi = a.access_hi AND x.access_lo = a.access_lo
WHERE a.distinct_count BETWEEN 2 AND 500 AND (a.agent_hi <> 0 OR a.agent_lo <> 0) AND x.access_hi IS NULL
    AND a.started_at <= o.started_at AND a.started_at >= o.started_at - t.after_us
