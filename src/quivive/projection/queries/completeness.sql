-- Coverage of capture of one period, by source: accesses shown, gaps with what they lost, how far each source is complete.
-- $from_at and $to_at are the day. A source of the operator (rosters, directory) is not a controller's source.
WITH seen AS (
    SELECT controller, source, COUNT(*) AS accesses, MIN(started_at) AS first_at, MAX(started_at) AS last_at
    FROM all_access GROUP BY controller, source
),
lost AS (
    SELECT
        controller, source, COUNT(*) AS gaps, SUM(CASE WHEN lost > 0 THEN lost ELSE 0 END)::BIGINT AS lost,
        SUM(CASE WHEN lost < 0 THEN 1 ELSE 0 END)::BIGINT AS unknown_gaps,
        SUM(LEAST(to_at, $to_at) - GREATEST(from_at, $from_at))::BIGINT AS blind_us
    FROM gap
    WHERE list_contains($controllers, controller) AND to_at >= $from_at AND from_at < $to_at
    GROUP BY controller, source
),
counted AS (
    SELECT controller, source, SUM(statements)::BIGINT AS statements
    FROM statement_count
    WHERE list_contains($controllers, controller) AND minute_at >= $from_at AND minute_at < $to_at
    GROUP BY controller, source
),
known AS (
    SELECT controller, source FROM source_state WHERE list_contains($controllers, controller)
    UNION SELECT controller, source FROM seen
    UNION SELECT controller, source FROM lost
    UNION SELECT controller, source FROM counted
)
SELECT
    k.controller, k.source, COALESCE(s.accesses, 0) AS accesses, COALESCE(c.statements, 0) AS counted_statements,
    COALESCE(s.first_at, 0) AS first_at, COALESCE(s.last_at, 0) AS last_at, COALESCE(h.complete_to, 0) AS complete_to,
    COALESCE(l.gaps, 0) AS gaps, COALESCE(l.lost, 0) AS lost, COALESCE(l.unknown_gaps, 0) AS unknown_gaps,
    COALESCE(l.blind_us, 0) AS blind_us
FROM known k
LEFT JOIN seen s ON s.controller = k.controller AND s.source = k.source
LEFT JOIN lost l ON l.controller = k.controller AND l.source = k.source
LEFT JOIN counted c ON c.controller = k.controller AND c.source = k.source
LEFT JOIN heartbeat h ON h.controller = k.controller AND h.source = k.source
ORDER BY k.controller, k.source
