-- The person behind each counted access: the holder of the account at that instant, informed before it and under an
-- active gate; the account itself when no directory names it. Others are not counted for anybody.
SELECT
    u.*,
    CASE WHEN k.agent_hi IS NULL THEN a.agent_hi ELSE s.person_hi END AS ident_hi,
    CASE WHEN k.agent_hi IS NULL THEN a.agent_lo ELSE s.person_lo END AS ident_lo
FROM unit u
JOIN all_access a ON a.started_at = u.started_at AND a.access_hi = u.access_hi AND a.access_lo = u.access_lo
LEFT JOIN agent_known k ON k.controller = a.controller AND k.agent_hi = a.agent_hi AND k.agent_lo = a.agent_lo
LEFT JOIN account_span s
    ON s.controller = a.controller AND s.agent_hi = a.agent_hi AND s.agent_lo = a.agent_lo
    AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
LEFT JOIN gated g ON g.employer = s.employer AND g.establishment = s.establishment
WHERE (a.agent_hi <> 0 OR a.agent_lo <> 0)
    AND (
        (k.agent_hi IS NULL AND EXISTS (SELECT 1 FROM gated))
        OR (s.informed_at > 0 AND s.informed_at <= a.started_at AND g.establishment IS NOT NULL)
    )
