-- Verdicts as rules see them: final ones only; one that turned late may close an alert, never open one.
SELECT
    v.access_hi, v.access_lo, v.controller, v.key_hi, v.key_lo, v.strength, v.template, v.contact_hi, v.contact_lo,
    v.final AND NOT v.late AS final,
    CASE
        WHEN v.verdict = 'not_applicable' THEN ''
        WHEN v.final AND NOT v.late THEN v.verdict
        ELSE 'pending'
    END AS verdict
FROM rule_verdict_stored v
