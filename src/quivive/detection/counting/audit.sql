-- Explained accesses of a day in the order of a hash of seed and access: the draw of the random audit. Where the gate
-- lets the person be named; a weak explanation or a better one, as asked.
SELECT ident_hi, ident_lo, access_hi, access_lo, started_at FROM (
    SELECT
        e.access_hi, e.access_lo, e.started_at,
        CASE WHEN k.agent_hi IS NULL THEN a.agent_hi ELSE s.person_hi END AS ident_hi,
        CASE WHEN k.agent_hi IS NULL THEN a.agent_lo ELSE s.person_lo END AS ident_lo
    FROM (
        SELECT
            v.access_hi, v.access_lo, v.started_at, MAX(CASE WHEN v.strength = 'weak' THEN 1 ELSE 0 END) AS is_weak,
            MIN(CASE WHEN v.verdict = 'explained' AND v.final THEN 1 ELSE 0 END) AS is_explained
        FROM all_verdict v
        WHERE v.controller = $controller AND v.started_at >= $from_at AND v.started_at < $to_at
            AND v.verdict <> 'not_applicable'
        GROUP BY v.access_hi, v.access_lo, v.started_at
    ) AS e
    JOIN all_access a ON a.started_at = e.started_at AND a.access_hi = e.access_hi AND a.access_lo = e.access_lo
    LEFT JOIN agent_known k ON k.controller = a.controller AND k.agent_hi = a.agent_hi AND k.agent_lo = a.agent_lo
    LEFT JOIN account_span s
        ON s.controller = a.controller AND s.agent_hi = a.agent_hi AND s.agent_lo = a.agent_lo
        AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
    LEFT JOIN gated g ON g.employer = s.employer AND g.establishment = s.establishment
    WHERE e.is_explained = 1 AND (e.is_weak = 1) = $weak AND (a.agent_hi <> 0 OR a.agent_lo <> 0)
        AND (
            (k.agent_hi IS NULL AND EXISTS (SELECT 1 FROM gated))
            OR (s.informed_at > 0 AND s.informed_at <= a.started_at AND g.establishment IS NOT NULL)
        )
) AS named
ORDER BY md5(concat($seed, ':', access_hi, '/', access_lo)), access_hi, access_lo
LIMIT $limit
