-- E21: statements of a service account in a declared run of it. Attributed to a person, or with the rhythm of hands
-- (ten minutes of slow and uneven gaps), they are no run.
WITH service AS (
    SELECT a.access_hi, a.access_lo, a.started_at, a.controller, a.account_hi, a.account_lo
    FROM target t
    JOIN all_access a ON a.started_at = t.started_at AND a.access_hi = t.access_hi AND a.access_lo = t.access_lo
    LEFT JOIN agent_known k
        ON k.controller = a.controller AND k.agent_hi = a.account_hi AND k.agent_lo = a.account_lo
    WHERE a.agent_hi = 0 AND a.agent_lo = 0 AND (a.account_hi <> 0 OR a.account_lo <> 0) AND k.agent_hi IS NULL
),
pace AS (
    SELECT controller, account_hi, account_lo, piece, COUNT(gap_ms) AS gaps, SUM(gap_ms) AS total, SUM(gap_ms * gap_ms) AS squares
    FROM (
        SELECT
            p.controller, p.account_hi, p.account_lo, p.piece,
            CAST((a.started_at - LAG(a.started_at) OVER (
                PARTITION BY p.controller, p.account_hi, p.account_lo, p.piece ORDER BY a.started_at, a.access_hi, a.access_lo
            )) / 1000 AS BIGINT) AS gap_ms
        FROM (
            SELECT DISTINCT controller, account_hi, account_lo, started_at - started_at % 600000000 AS piece FROM service
        ) AS p
        JOIN all_access a
            ON a.controller = p.controller AND a.account_hi = p.account_hi AND a.account_lo = p.account_lo
            AND a.started_at - a.started_at % 600000000 = p.piece AND a.agent_hi = 0 AND a.agent_lo = 0
    ) AS gap
    GROUP BY controller, account_hi, account_lo, piece
)
SELECT access_hi, access_lo, contact_hi, contact_lo, template, strength, delta_us
FROM (
    SELECT
        s.access_hi, s.access_lo, c.contact_hi, c.contact_lo, t.template, t.strength,
        s.started_at - c.opened_at AS delta_us,
        ROW_NUMBER() OVER (
            PARTITION BY s.access_hi, s.access_lo ORDER BY s.started_at - c.opened_at, c.contact_hi, c.contact_lo
        ) AS nth
    FROM service s
    JOIN template t ON t.shape = 'job'
    JOIN contact c
        ON c.controller = s.controller AND c.contact_kind = t.contact_kind AND c.account_hi = s.account_hi
        AND c.account_lo = s.account_lo
    JOIN pace p
        ON p.controller = s.controller AND p.account_hi = s.account_hi AND p.account_lo = s.account_lo
        AND p.piece = s.started_at - s.started_at % 600000000
    WHERE c.opened_at > 0 AND s.started_at >= c.opened_at AND s.started_at <= c.opened_at + t.max_us
        AND (c.closed_at = 0 OR s.started_at <= c.closed_at)
        -- Hands: at least five gaps, as long as `near` on average, spread by more than a third of it.
        AND NOT (p.gaps >= 5 AND p.total * 1000 >= t.near_us * p.gaps AND p.gaps * p.squares * 100 > p.total * p.total * 110)
) AS run
WHERE nth = 1
