-- E2: subjects opened during a call whose caller is not identified, ranked by their first opening in the call.
-- The same rank serves the first subject that the application stated for such a call.
WITH presence_pair AS (
    -- Leftover exposures that fall in a call whose caller is not identified.
    SELECT DISTINCT
        l.access_hi, l.access_lo, l.key_hi, l.key_lo, l.started_at, l.subject_hi, l.subject_lo,
        w.contact_hi, w.contact_lo, w.ident_hi, w.ident_lo, w.anchor_at,
        w.template, w.strength, w.priority, w.cap,
        CASE WHEN l.stated_hi = w.contact_hi AND l.stated_lo = w.contact_lo THEN 1 ELSE 0 END AS is_stated
    FROM leftover l
    JOIN call_window w
        ON w.controller = l.controller AND w.ident_hi = l.ident_hi AND w.ident_lo = l.ident_lo
        AND w.piece = l.started_at - l.started_at % 600000000
    WHERE w.shape = 'unidentified' AND l.subjects <= w.cap AND l.started_at >= w.from_at AND l.started_at <= w.to_at
)
SELECT
    f.access_hi, f.access_lo, f.key_hi, f.key_lo, f.started_at, f.contact_hi, f.contact_lo, f.anchor_at, f.is_stated,
    f.template, f.strength, f.priority, f.cap, r.subject_rank
FROM presence_pair f
JOIN (
    SELECT
        contact_hi, contact_lo, ident_hi, ident_lo, subject_hi, subject_lo,
        ROW_NUMBER() OVER (
            PARTITION BY contact_hi, contact_lo, ident_hi, ident_lo ORDER BY first_at, subject_hi, subject_lo
        ) AS subject_rank
    FROM (
        SELECT contact_hi, contact_lo, ident_hi, ident_lo, subject_hi, subject_lo, MIN(started_at) AS first_at
        FROM presence_pair
        GROUP BY contact_hi, contact_lo, ident_hi, ident_lo, subject_hi, subject_lo
    ) AS seen
) AS r ON r.contact_hi = f.contact_hi AND r.contact_lo = f.contact_lo AND r.ident_hi = f.ident_hi
    AND r.ident_lo = f.ident_lo AND r.subject_hi = f.subject_hi AND r.subject_lo = f.subject_lo
