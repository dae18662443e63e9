-- The worst of an access's exposures, and the weakest of its explanations.
SELECT
    access_hi, access_lo,
    MAX(CASE verdict
        WHEN 'unexplained' THEN 4 WHEN 'unknown' THEN 3 WHEN 'pending' THEN 2 WHEN 'explained' THEN 1 ELSE 0
    END) AS verdict_rank,
    MAX(CASE WHEN verdict <> 'explained' THEN 0
        WHEN strength = 'weak' THEN 3 WHEN strength = 'medium' THEN 2 ELSE 1 END) AS weakness,
    MIN(CASE WHEN final THEN 1 ELSE 0 END) = 1 AS final
FROM rule_verdict
GROUP BY access_hi, access_lo
