-- How the accesses of a controller are explained, and what to connect or repair so that more are. Three sections:
-- share (by verdict, strength, template, cause), fix (by code, source, detail), source (delay, freshness, skew).
WITH unit AS (
    SELECT v.* FROM scoped_verdict v
    WHERE v.verdict <> 'not_applicable'
        AND (v.verdict <> 'unexplained' OR EXISTS (SELECT 1 FROM gate_active))
),
share AS (
    SELECT controller, verdict, strength, template, cause, COUNT(*) AS exposures
    FROM unit GROUP BY controller, verdict, strength, template, cause
),
touched AS (
    SELECT DISTINCT contact_hi, contact_lo FROM contact_touch
),
by_contact AS (
    -- What the contact behind the verdict does not tell.
    SELECT
        u.controller, c.source, c.queue AS detail,
        CASE
            WHEN u.template = 'E2' THEN 'calls_without_customer'
            WHEN u.template = 'E7' AND c.self_made THEN 'self_made'
            WHEN u.template = 'E6' AND c.self_made THEN 'self_made'
            WHEN u.template = 'E7' AND u.strength = 'medium' AND t.contact_hi IS NULL THEN 'tickets_without_last_work'
            WHEN u.template = 'E10' AND u.strength = 'weak' THEN 'reviews_without_evaluation'
            WHEN u.template IN ('E1', 'E3', 'E5', 'E8') AND u.strength = 'medium' THEN 'identity_shared'
            ELSE ''
        END AS code
    FROM unit u
    JOIN scoped_contact c ON c.controller = u.controller AND c.contact_hi = u.contact_hi AND c.contact_lo = u.contact_lo
    LEFT JOIN touched t ON t.contact_hi = c.contact_hi AND t.contact_lo = c.contact_lo
    WHERE u.verdict = 'explained' AND u.strength <> 'strong'
),
silent_source AS (
    SELECT j.controller, MIN(j.source) AS source
    FROM judge_source j
    LEFT JOIN (SELECT source, MAX(last_at) AS last_at FROM source_state GROUP BY source) s ON s.source = j.source
    WHERE j.source <> '' AND $as_of - COALESCE(s.last_at, 0) > j.silent_after_us
    GROUP BY j.controller
),
by_access AS (
    -- What the access itself does not tell.
    SELECT
        u.controller,
        CASE WHEN u.cause = 'source_silent' THEN COALESCE(s.source, '') ELSE a.source END AS source,
        CASE WHEN u.cause = 'key_unresolved' AND (u.key_hi <> 0 OR u.key_lo <> 0) THEN e.record_table ELSE '' END AS detail,
        CASE
            WHEN u.cause = 'unattributed' AND a.attribution = 'not_informed' THEN 'agents_not_informed'
            WHEN u.cause = 'unattributed' AND a.attribution = 'account' THEN 'runs_not_declared'
            WHEN u.cause = 'unattributed' THEN 'accesses_unattributed'
            WHEN u.cause = 'source_silent' THEN 'source_silent'
            WHEN u.key_hi = 0 AND u.key_lo = 0 THEN 'records_not_told'
            ELSE 'table_unmapped'
        END AS code
    FROM unit u
    JOIN all_access a ON a.started_at = u.started_at AND a.access_hi = u.access_hi AND a.access_lo = u.access_lo
    LEFT JOIN scoped_exposure e
        ON e.started_at = u.started_at AND e.access_hi = u.access_hi AND e.access_lo = u.access_lo
        AND e.key_hi = u.key_hi AND e.key_lo = u.key_lo
    LEFT JOIN silent_source s ON s.controller = u.controller
    WHERE u.verdict = 'unknown'
),
nameless AS (
    -- Open work of agents that names no customer.
    SELECT
        c.controller, c.source, c.contact_kind, c.queue, l.agent_hi, l.agent_lo,
        CASE WHEN c.assigned_at > 0 THEN c.assigned_at ELSE c.opened_at END AS from_at,
        CASE WHEN c.closed_at > 0 THEN c.closed_at + 86400000000
            ELSE GREATEST(c.assigned_at, c.opened_at) + 2592000000000 END AS to_at
    FROM scoped_contact c
    JOIN leg l ON l.controller = c.controller AND l.contact_hi = c.contact_hi AND l.contact_lo = c.contact_lo
    LEFT JOIN contact_subject s ON s.contact_hi = c.contact_hi AND s.contact_lo = c.contact_lo
    WHERE c.contact_kind NOT IN ('call', 'training', 'assistance', 'job') AND s.contact_hi IS NULL
        AND (c.assigned_at > 0 OR c.opened_at > 0)
),
by_work AS (
    SELECT controller, source, detail, code FROM (
        SELECT
            u.controller, n.source, n.queue AS detail,
            CASE WHEN n.contact_kind = 'ticket' THEN 'tickets_without_customer' ELSE 'work_without_customer' END AS code,
            ROW_NUMBER() OVER (
                PARTITION BY u.access_hi, u.access_lo, u.key_hi, u.key_lo ORDER BY n.from_at DESC, n.source, n.queue
            ) AS nth
        FROM unit u
        JOIN all_access a ON a.started_at = u.started_at AND a.access_hi = u.access_hi AND a.access_lo = u.access_lo
        JOIN nameless n
            ON n.controller = a.controller AND n.agent_hi = a.agent_hi AND n.agent_lo = a.agent_lo
            AND u.started_at >= n.from_at AND u.started_at <= n.to_at
        WHERE u.verdict = 'unexplained'
    ) WHERE nth = 1
),
fix AS (
    SELECT controller, code, source, detail, COUNT(*) AS exposures
    FROM (
        SELECT controller, code, source, detail FROM by_contact WHERE code <> ''
        UNION ALL SELECT controller, code, source, COALESCE(detail, '') FROM by_access
        UNION ALL SELECT controller, code, source, detail FROM by_work
    )
    GROUP BY controller, code, source, detail
),
first_told AS (
    -- A verdict is written again when it becomes final: the first revision that told the reason counts.
    SELECT r.access_hi, r.access_lo, r.key_hi, r.key_lo, MIN(r.decided_at) AS decided_at
    FROM scoped_revision r
    JOIN unit u ON u.access_hi = r.access_hi AND u.access_lo = r.access_lo AND u.started_at = r.started_at
        AND u.key_hi = r.key_hi AND u.key_lo = r.key_lo
    WHERE r.verdict = 'explained' AND r.strength IN ('strong', 'medium')
    GROUP BY r.access_hi, r.access_lo, r.key_hi, r.key_lo
),
told AS (
    SELECT u.*, LEAST(u.decided_at, COALESCE(f.decided_at, u.decided_at)) - u.started_at AS waited_us
    FROM unit u
    LEFT JOIN first_told f ON f.access_hi = u.access_hi AND f.access_lo = u.access_lo
        AND f.key_hi = u.key_hi AND f.key_lo = u.key_lo
    WHERE u.verdict = 'explained' AND u.strength IN ('strong', 'medium')
),
delay AS (
    -- From the access to its strong or medium reason; what a rebuild judged again tells nothing.
    SELECT
        u.controller, c.source, COUNT(*) AS explained,
        CAST(quantile_disc(u.waited_us / 1000000, 0.5) AS BIGINT) AS median_s,
        CAST(quantile_disc(u.waited_us / 1000000, 0.9) AS BIGINT) AS p90_s,
        CAST(quantile_disc(u.waited_us / 1000000, 0.95) AS BIGINT) AS p95_s
    FROM told u
    JOIN scoped_contact c ON c.controller = u.controller AND c.contact_hi = u.contact_hi AND c.contact_lo = u.contact_lo
    WHERE u.waited_us BETWEEN 0 AND 172800000000
    GROUP BY u.controller, c.source
),
skew AS (
    SELECT k.controller, k.source, CAST(ROUND(k.skew_us / 1000) AS BIGINT) AS skew_ms
    FROM learned_skew k
    JOIN (SELECT controller, MAX(from_at) AS from_at FROM learned_set GROUP BY controller) n
        ON n.controller = k.controller AND n.from_at = k.from_at
),
fresh AS (
    SELECT
        j.controller, j.source, COALESCE(h.complete_to, 0) AS complete_to, COALESCE(s.last_at, 0) AS last_at,
        $as_of - COALESCE(s.last_at, 0) > j.silent_after_us AS silent
    FROM judge_source j
    LEFT JOIN (SELECT source, MAX(complete_to) AS complete_to FROM heartbeat GROUP BY source) h ON h.source = j.source
    LEFT JOIN (SELECT source, MAX(last_at) AS last_at FROM source_state GROUP BY source) s ON s.source = j.source
    WHERE j.source <> '' AND list_contains($controllers, j.controller)
)
SELECT
    'share' AS section, controller, verdict, strength, template, cause, '' AS code, '' AS source, '' AS detail,
    exposures, 0 AS explained, 0 AS median_s, 0 AS p90_s, 0 AS p95_s, 0 AS complete_to, 0 AS last_at, FALSE AS silent,
    0 AS skew_ms
FROM share
UNION ALL
SELECT 'fix', controller, '', '', '', '', code, source, detail, exposures, 0, 0, 0, 0, 0, 0, FALSE, 0 FROM fix
UNION ALL
SELECT
    'source', f.controller, '', '', '', '', '', f.source, '', 0, COALESCE(d.explained, 0), COALESCE(d.median_s, 0),
    COALESCE(d.p90_s, 0), COALESCE(d.p95_s, 0), f.complete_to, f.last_at, f.silent, COALESCE(k.skew_ms, 0)
FROM fresh f
JOIN (SELECT DISTINCT controller FROM share) n ON n.controller = f.controller
LEFT JOIN delay d ON d.controller = f.controller AND d.source = f.source
LEFT JOIN skew k ON k.controller = f.controller AND k.source = f.source
ORDER BY section, controller, exposures DESC, code, source, detail, verdict, strength, template, cause
