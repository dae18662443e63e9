-- Up to when each contact source of a controller has delivered everything, and whether it is silent now.
SELECT
    j.controller,
    MAX(j.lateness_us) AS lateness_us,
    MIN(CASE WHEN j.source = '' THEN c.as_of ELSE COALESCE(h.complete_to, 0) END) AS complete_to,
    MIN(CASE
        WHEN j.source <> '' AND c.as_of - COALESCE(s.last_at, 0) > j.silent_after_us THEN COALESCE(h.complete_to, 0)
        ELSE 9223372036854775807
    END) AS silent_complete_to
FROM judge_source j
CROSS JOIN judge_clock c
LEFT JOIN (SELECT source, MAX(complete_to) AS complete_to FROM heartbeat GROUP BY source) AS h ON h.source = j.source
LEFT JOIN (SELECT source, MAX(last_at) AS last_at FROM source_state GROUP BY source) AS s ON s.source = j.source
GROUP BY j.controller
