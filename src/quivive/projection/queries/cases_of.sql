-- What an agent may know of cases about the own person: closed ones with their outcome, and names that were shown, once
-- the case is closed or its preservation has ended. $person is the session's own: only the own-space route may call this.
WITH mine AS (
    SELECT case_hi, case_lo, opened_at, controller FROM case_file
    WHERE ident_hi = $person_hi AND ident_lo = $person_lo AND opened_at >= $from_at AND opened_at < $to_at
),
ended AS (
    SELECT
        m.case_hi, m.case_lo, m.opened_at, m.controller,
        MAX(CASE WHEN s.step_kind = 'close' THEN s.taken_at ELSE 0 END) AS closed_at,
        MAX(CASE WHEN s.step_kind = 'preserve' THEN s.until_at ELSE 0 END) AS until_at
    FROM mine m
    JOIN case_step s ON s.case_hi = m.case_hi AND s.case_lo = m.case_lo
    GROUP BY m.case_hi, m.case_lo, m.opened_at, m.controller
)
SELECT
    e.opened_at, e.controller, e.closed_at,
    COALESCE(
        (SELECT p.outcome FROM case_step p
         WHERE p.case_hi = e.case_hi AND p.case_lo = e.case_lo AND p.step_kind = 'propose'
         ORDER BY p.taken_at DESC LIMIT 1),
        ''
    ) AS outcome,
    COALESCE(
        (SELECT list(a.decided_at ORDER BY a.decided_at) FROM approval a
         WHERE a.act = 'unmask' AND a.decided_at > 0 AND a.state IN ('approved', 'done')
             AND a.object = printf('%016x%016x', e.case_hi, e.case_lo)),
        []
    ) AS named_at
FROM ended e
WHERE e.closed_at > 0 OR (e.until_at > 0 AND e.until_at < $as_of)
ORDER BY e.opened_at DESC
LIMIT COALESCE($limit, 100)
