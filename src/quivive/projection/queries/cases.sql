-- Cases, newest first, each with its opening and its steps (JSON): `quivive.cases.view` folds them. $case NULL gives all.
-- A case about a person of an establishment that is not active stays without a code.
SELECT
    c.case_hi, c.case_lo, c.opened_at, c.controller, c.alert_hi, c.alert_lo, c.body,
    c.ident_hi <> 0 OR c.ident_lo <> 0 AS concerned,
    CASE WHEN g.establishment IS NOT NULL OR (p.person_hi IS NULL AND c.ident_hi <> 0) THEN c.ident_hi END AS ident_hi,
    CASE WHEN g.establishment IS NOT NULL OR (p.person_hi IS NULL AND c.ident_hi <> 0) THEN c.ident_lo END AS ident_lo,
    COALESCE(
        (SELECT list(s.body ORDER BY s.taken_at, s.step_hi, s.step_lo) FROM case_step s
         WHERE s.case_hi = c.case_hi AND s.case_lo = c.case_lo),
        []
    ) AS steps
FROM case_file c
LEFT JOIN agent p ON p.person_hi = c.ident_hi AND p.person_lo = c.ident_lo
LEFT JOIN gate_active g ON g.employer = p.employer AND g.establishment = p.establishment
WHERE list_contains($controllers, c.controller) AND c.opened_at >= $from_at AND c.opened_at < $to_at
    AND ($case IS NULL OR printf('%016x%016x', c.case_hi, c.case_lo) = $case)
    AND ($alert_hi IS NULL OR (c.alert_hi = $alert_hi AND c.alert_lo = $alert_lo))
ORDER BY c.opened_at DESC, c.case_hi, c.case_lo
LIMIT COALESCE($limit, 200)
