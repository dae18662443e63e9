-- The new heads of the changed accesses. `moved` tells what is a revision; pending units are no revision.
-- `late`: it was explained for good, and later evidence says otherwise; it may close an alert, never open one.
SELECT
    d.access_hi, d.access_lo, d.started_at, d.controller, d.key_hi, d.key_lo,
    CASE
        WHEN d.verdict IN ('pending', 'not_applicable') OR m.same THEN COALESCE(v.revision, 0)
        ELSE COALESCE(v.revision, 0) + 1
    END AS revision,
    CASE WHEN m.same THEN v.decided_at ELSE c.as_of END AS decided_at,
    d.verdict, d.strength, d.template, d.cause, d.contact_hi, d.contact_lo, d.delta_us, d.subject_rank, d.final,
    d.verdict = 'unexplained' AND v.access_hi IS NOT NULL
        AND (v.late OR (v.final AND v.verdict = 'explained')) AS late,
    NOT m.same AND d.verdict NOT IN ('pending', 'not_applicable') AS moved
FROM decision d
JOIN changed h ON h.access_hi = d.access_hi AND h.access_lo = d.access_lo
CROSS JOIN judge_clock c
LEFT JOIN standing v
    ON v.access_hi = d.access_hi AND v.access_lo = d.access_lo AND v.key_hi = d.key_hi AND v.key_lo = d.key_lo
JOIN (
    SELECT
        d.access_hi, d.access_lo, d.key_hi, d.key_lo,
        COALESCE(
            v.verdict = d.verdict AND v.strength = d.strength AND v.template = d.template AND v.cause = d.cause
            AND v.contact_hi = d.contact_hi AND v.contact_lo = d.contact_lo AND v.delta_us = d.delta_us
            AND v.subject_rank = d.subject_rank AND v.final = d.final,
            FALSE
        ) AS same
    FROM decision d
    LEFT JOIN standing v
        ON v.access_hi = d.access_hi AND v.access_lo = d.access_lo AND v.key_hi = d.key_hi AND v.key_lo = d.key_lo
) AS m ON m.access_hi = d.access_hi AND m.access_lo = d.access_lo AND m.key_hi = d.key_hi AND m.key_lo = d.key_lo
