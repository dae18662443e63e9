-- Distinct subjects beyond the first per unidentified call, against the peers of the same controller (detection
-- reference 0.3: the smart one hides there). Computed when asked, never stored. Expected: the peers' rate, the
-- agent left out, times the agent's unidentified calls.
WITH weak AS (
    SELECT
        a.controller, a.ident_hi, a.ident_lo, v.contact_hi, v.contact_lo, MAX(v.subject_rank) AS subjects,
        MAX(a.started_at) AS last_at, MIN(a.started_at) AS first_at
    FROM scoped_access a JOIN scoped_verdict v
        ON v.access_hi = a.access_hi AND v.access_lo = a.access_lo AND v.started_at = a.started_at
    WHERE a.ident_hi IS NOT NULL AND v.subject_rank > 0
        AND ($controller IS NULL OR a.controller = $controller)
    GROUP BY a.controller, a.ident_hi, a.ident_lo, v.contact_hi, v.contact_lo
),
own AS (
    SELECT
        controller, ident_hi, ident_lo, COUNT(*) AS calls, CAST(SUM(subjects - 1) AS BIGINT) AS excess,
        MIN(first_at) AS first_at, MAX(last_at) AS last_at
    FROM weak GROUP BY controller, ident_hi, ident_lo
),
compared AS (
    SELECT
        o.*,
        COUNT(*) OVER (PARTITION BY controller) - 1 AS peers,
        SUM(calls) OVER (PARTITION BY controller) - calls AS peer_calls,
        SUM(excess) OVER (PARTITION BY controller) - excess AS peer_excess
    FROM own o
)
SELECT
    controller, ident_hi, ident_lo, calls, excess, peers, CAST(peer_calls AS BIGINT) AS peer_calls,
    CAST(peer_excess AS BIGINT) AS peer_excess,
    -- Half a subject of prior: a quiet group must not make every first excess remarkable.
    (CAST(peer_excess AS DOUBLE) + 0.5) / (peer_calls + 1.0) * calls AS expected, first_at, last_at
FROM compared
WHERE peers >= 1 AND excess >= 3
    AND excess > (CAST(peer_excess AS DOUBLE) + 0.5) / (peer_calls + 1.0) * calls
        + 3.0 * SQRT((CAST(peer_excess AS DOUBLE) + 0.5) / (peer_calls + 1.0) * calls)
ORDER BY excess DESC, controller, ident_hi, ident_lo
LIMIT COALESCE($limit, 50)
