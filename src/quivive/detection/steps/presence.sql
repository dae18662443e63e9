-- E2: subjects opened during a call whose caller is not identified, ranked by their first opening in the call.
-- The same rank serves the first subject that the application stated for such a call.
SELECT
    f.access_hi, f.access_lo, f.key_hi, f.key_lo, f.started_at, f.contact_hi, f.contact_lo, f.anchor_at, f.is_stated,
    r.subject_rank
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
