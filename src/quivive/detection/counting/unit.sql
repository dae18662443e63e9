-- Final verdicts that count, each under one measure: unexplained (never what later evidence reopened); weak excess,
-- subjects beyond the first opened (not merely listed) in an unidentified call; and reasons of the agent's own making:
-- self-made tickets and callbacks, previews not dialled, declared reasons. Not counted: canaries, and what fell in a gap
-- of a contact source (losing sight is nobody's behaviour).
SELECT
    v.access_hi, v.access_lo, v.started_at, v.controller,
    -- The rows of one search or listing are one deed, however many it showed.
    CASE WHEN a."action" IN ('list', 'query') THEN v.access_hi ELSE v.key_hi END AS key_hi,
    CASE WHEN a."action" IN ('list', 'query') THEN v.access_lo ELSE v.key_lo END AS key_lo,
    CASE
        WHEN v.verdict = 'unexplained' THEN 'unexplained'
        WHEN v.template = 'E2' THEN 'weak_excess'
        ELSE 'self_made'
    END AS measure
FROM all_verdict v
JOIN all_access a
    ON a.started_at = v.started_at AND a.access_hi = v.access_hi AND a.access_lo = v.access_lo
LEFT JOIN contact c ON c.contact_hi = v.contact_hi AND c.contact_lo = v.contact_lo
LEFT JOIN (SELECT controller, key_hi, key_lo FROM canary WHERE NOT removed) AS n
    ON n.controller = v.controller AND n.key_hi = v.key_hi AND n.key_lo = v.key_lo
WHERE list_contains($controllers, v.controller) AND v.started_at >= $from_at AND v.started_at < $to_at
    AND v.final AND n.controller IS NULL
    AND (
        (v.verdict = 'unexplained' AND NOT v.late)
        OR (
            v.verdict = 'explained' AND (
                (v.strength = 'weak' AND v.template NOT IN ('E2', 'E17', 'E18'))
                OR (v.template = 'E2' AND v.subject_rank > 1 AND a."action" NOT IN ('list', 'query'))
                OR (c.contact_kind IN ('ticket', 'callback') AND c.self_made)
            )
        )
    )
    AND NOT EXISTS (
        SELECT 1 FROM gap g JOIN judge_source j ON j.source = g.source AND j.controller = v.controller
        WHERE g.from_at <= v.started_at AND g.to_at >= v.started_at AND g.from_at > 0
    )
