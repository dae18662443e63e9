-- The new heads of the changed accesses. `moved` tells what is a revision; pending units are no revision.
-- `late`: it was explained for good, and later evidence says otherwise; it may close an alert, never open one.
SELECT
    d.access_hi, d.access_lo, d.started_at, d.controller, d.key_hi, d.key_lo,
    CASE
        WHEN d.same OR d.verdict IN ('pending', 'not_applicable') THEN COALESCE(d.old_revision, 0)
        ELSE COALESCE(d.old_revision, 0) + 1
    END AS revision,
    CASE WHEN d.same THEN d.old_decided_at ELSE c.as_of END AS decided_at,
    d.verdict, d.strength, d.template, d.cause, d.contact_hi, d.contact_lo, d.delta_us, d.subject_rank, d.final,
    d.verdict = 'unexplained' AND d.was_closed AS late,
    NOT d.same AND d.verdict NOT IN ('pending', 'not_applicable') AS moved
FROM compared d
JOIN changed h ON h.access_hi = d.access_hi AND h.access_lo = d.access_lo
CROSS JOIN judge_clock c
