-- Distinct records of one controller shown since an instant to each person, as far as the directory ties accounts
-- together, else to each account; where they are more than a limit, every account that the person holds at `at`.
-- Parameters: controller, since, at, most, reference (tables whose records explain nothing).
WITH shown AS (
    SELECT
        a.agent_hi, a.agent_lo, a.started_at, e.key_hi, e.key_lo, s.person_hi IS NULL AS alone,
        COALESCE(s.person_hi, a.agent_hi) AS ident_hi, COALESCE(s.person_lo, a.agent_lo) AS ident_lo
    FROM access a
    JOIN exposure e ON e.access_hi = a.access_hi AND e.access_lo = a.access_lo AND e.started_at = a.started_at
    LEFT JOIN account_span s
        ON s.controller = a.controller AND s.agent_hi = a.agent_hi AND s.agent_lo = a.agent_lo
        AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
    WHERE a.controller = $controller AND a.started_at >= $since AND e.started_at >= $since
        AND (a.agent_hi <> 0 OR a.agent_lo <> 0) AND NOT list_contains($reference, e.record_table)
),
beyond AS (
    SELECT ident_hi, ident_lo, alone, COUNT(DISTINCT (key_hi, key_lo)) AS records, MAX(started_at) AS last_at
    FROM shown
    GROUP BY ident_hi, ident_lo, alone
    HAVING COUNT(DISTINCT (key_hi, key_lo)) > $most
),
held AS (
    SELECT b.ident_hi AS agent_hi, b.ident_lo AS agent_lo, b.records, b.last_at FROM beyond b WHERE b.alone
    UNION ALL
    SELECT s.agent_hi, s.agent_lo, b.records, b.last_at
    FROM beyond b
    JOIN account_span s ON s.person_hi = b.ident_hi AND s.person_lo = b.ident_lo
    WHERE NOT b.alone AND s.controller = $controller AND s.valid_from <= $at AND $at < s.valid_to
)
SELECT agent_hi, agent_lo, MAX(records) AS records, MAX(last_at) AS last_at
FROM held
GROUP BY agent_hi, agent_lo
ORDER BY agent_hi, agent_lo
