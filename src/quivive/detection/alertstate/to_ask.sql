-- Unexplained accesses of today that a person may be asked about now: the person is known, was informed, works under
-- an active gate, is on shift now if a roster knows the person, has no alert open above low severity, was asked fewer
-- than $most times today, and has few of them: more may be an alert's matter, and nobody is warned.
WITH stray AS (
    SELECT DISTINCT
        v.access_hi, v.access_lo, v.started_at, v.controller, s.person_hi, s.person_lo
    FROM verdict_current v
    JOIN access a ON a.started_at = v.started_at AND a.access_hi = v.access_hi AND a.access_lo = v.access_lo
    JOIN account_span s
        ON s.controller = a.controller AND s.agent_hi = a.agent_hi AND s.agent_lo = a.agent_lo
        AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
    JOIN gate_state g
        ON g.employer = s.employer AND g.establishment = s.establishment AND g.module = 'access' AND g.state = 'active'
    WHERE v.verdict = 'unexplained' AND v.final AND NOT v.late AND v.started_at >= $from_at AND v.started_at < $to_at
        AND list_contains($controllers, v.controller) AND (v.key_hi <> 0 OR v.key_lo <> 0)
        AND s.informed_at > 0 AND s.informed_at <= a.started_at
),
quiet AS (
    SELECT person_hi, person_lo, COUNT(*) AS strays FROM stray GROUP BY person_hi, person_lo
    HAVING COUNT(*) <= $few
),
asked AS (
    SELECT ident_hi, ident_lo, COUNT(*) AS questions FROM agent_question WHERE asked_at >= $from_at
    GROUP BY ident_hi, ident_lo
)
SELECT
    t.controller, printf('%016x%016x', t.person_hi, t.person_lo) AS ident,
    printf('%016x%016x', t.access_hi, t.access_lo) AS access, t.started_at,
    COALESCE((
        SELECT MIN(e.record_table) FROM exposure e
        WHERE e.started_at = t.started_at AND e.access_hi = t.access_hi AND e.access_lo = t.access_lo
    ), '') AS record_table,
    COALESCE(n.questions, 0) AS questions
FROM stray t
JOIN quiet q ON q.person_hi = t.person_hi AND q.person_lo = t.person_lo
LEFT JOIN asked n ON n.ident_hi = t.person_hi AND n.ident_lo = t.person_lo
WHERE COALESCE(n.questions, 0) < $most
    AND NOT EXISTS (SELECT 1 FROM agent_question k WHERE k.access_hi = t.access_hi AND k.access_lo = t.access_lo)
    AND NOT EXISTS (
        SELECT 1 FROM alert l
        WHERE l.ident_hi = t.person_hi AND l.ident_lo = t.person_lo AND l.severity <> 'low'
    )
    AND (
        NOT EXISTS (SELECT 1 FROM shift f WHERE f.person_hi = t.person_hi AND f.person_lo = t.person_lo)
        OR EXISTS (
            SELECT 1 FROM shift f
            WHERE f.person_hi = t.person_hi AND f.person_lo = t.person_lo AND NOT f.cancelled
                AND f.from_at <= $as_of AND f.to_at > $as_of
        )
    )
ORDER BY t.controller, t.person_hi, t.person_lo, t.started_at, t.access_hi, t.access_lo
