-- Listings of the same account shortly before an opening that is judged now, where a row may be its subject: their
-- keys, or what links lead to from them in three hops, meet. (More than the identity of the step `identity`, never less.)
WITH opened AS (
    SELECT DISTINCT
        o.controller, o.agent_hi, o.agent_lo, o.started_at, o.started_at - o.started_at % 600000000 AS piece,
        e.key_hi, e.key_lo
    FROM target w
    JOIN all_access o ON o.started_at = w.started_at AND o.access_hi = w.access_hi AND o.access_lo = w.access_lo
    JOIN all_exposure e ON e.started_at = w.started_at AND e.access_hi = w.access_hi AND e.access_lo = w.access_lo
    WHERE (o.agent_hi <> 0 OR o.agent_lo <> 0) AND o.distinct_count <= 500
),
near_listing AS (
    SELECT a.access_hi, a.access_lo, a.started_at, a.controller, o.key_hi AS opened_hi, o.key_lo AS opened_lo
    FROM opened o
    JOIN template t ON t.shape = 'listing'
    JOIN all_access a
        ON a.controller = o.controller AND a.agent_hi = o.agent_hi AND a.agent_lo = o.agent_lo
        AND a.started_at - a.started_at % 600000000 IN (o.piece, o.piece - 600000000)
    LEFT JOIN target x ON x.access_hi = a.access_hi AND x.access_lo = a.access_lo
    WHERE a.distinct_count BETWEEN 2 AND 500 AND x.access_hi IS NULL
        AND a.started_at <= o.started_at AND a.started_at >= o.started_at - t.after_us
),
near_row AS (
    SELECT DISTINCT
        n.access_hi, n.access_lo, n.started_at, n.controller, n.opened_hi, n.opened_lo, e.key_hi, e.key_lo
    FROM near_listing n
    JOIN all_exposure e ON e.started_at = n.started_at AND e.access_hi = n.access_hi AND e.access_lo = n.access_lo
),
climb0 AS (
    SELECT controller, key_hi, key_lo, key_hi AS top_hi, key_lo AS top_lo FROM near_row
    UNION SELECT controller, opened_hi, opened_lo, opened_hi, opened_lo FROM near_row
),
climb1 AS (
    SELECT controller, key_hi, key_lo, top_hi, top_lo FROM climb0
    UNION SELECT c.controller, c.key_hi, c.key_lo, l.right_hi, l.right_lo FROM climb0 c
        JOIN link l ON l.controller = c.controller AND l.left_hi = c.top_hi AND l.left_lo = c.top_lo
),
climb2 AS (
    SELECT controller, key_hi, key_lo, top_hi, top_lo FROM climb1
    UNION SELECT c.controller, c.key_hi, c.key_lo, l.right_hi, l.right_lo FROM climb1 c
        JOIN link l ON l.controller = c.controller AND l.left_hi = c.top_hi AND l.left_lo = c.top_lo
),
climb3 AS (
    SELECT controller, key_hi, key_lo, top_hi, top_lo FROM climb2
    UNION SELECT c.controller, c.key_hi, c.key_lo, l.right_hi, l.right_lo FROM climb2 c
        JOIN link l ON l.controller = c.controller AND l.left_hi = c.top_hi AND l.left_lo = c.top_lo
)
SELECT DISTINCT n.access_hi, n.access_lo, n.started_at
FROM near_row n
JOIN climb3 c ON c.controller = n.controller AND c.key_hi = n.key_hi AND c.key_lo = n.key_lo
JOIN climb3 o
    ON o.controller = n.controller AND o.key_hi = n.opened_hi AND o.key_lo = n.opened_lo
    AND o.top_hi = c.top_hi AND o.top_lo = c.top_lo
