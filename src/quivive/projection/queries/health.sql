-- Per source: last sign of life, completeness, entries, gaps. No customer data, no agent.
SELECT
    s.source, s.controller, s.last_at, s.entries,
    COALESCE(h.complete_to, 0) AS complete_to,
    (SELECT COUNT(*) FROM gap g WHERE g.source = s.source AND g.controller = s.controller) AS gaps,
    COALESCE($as_of - s.last_at > j.silent_after_us, FALSE) AS silent
FROM source_state s
LEFT JOIN heartbeat h ON h.controller = s.controller AND h.source = s.source
LEFT JOIN (SELECT source, MAX(silent_after_us) AS silent_after_us FROM judge_source GROUP BY source) j
    ON j.source = s.source
WHERE list_contains($controllers, s.controller) OR s.controller = 'operator'
ORDER BY s.controller, s.source
