-- Each counted unit under its one subject: the person its record leads to, the record itself, or a whole listing.
SELECT
    u.controller, u.ident_hi, u.ident_lo, u.started_at, u.access_hi, u.access_lo, u.measure,
    CASE WHEN u.key_hi = 0 AND u.key_lo = 0 THEN u.access_hi ELSE COALESCE(s.subject_hi, u.key_hi) END AS subject_hi,
    CASE WHEN u.key_hi = 0 AND u.key_lo = 0 THEN u.access_lo ELSE COALESCE(s.subject_lo, u.key_lo) END AS subject_lo
FROM unit_ident u
LEFT JOIN (
    SELECT * FROM (
        SELECT
            controller, key_hi, key_lo, subject_hi, subject_lo,
            ROW_NUMBER() OVER (
                PARTITION BY controller, key_hi, key_lo ORDER BY is_person DESC, hops DESC, subject_hi, subject_lo
            ) AS nth
        FROM (
            SELECT controller, key_hi, key_lo, subject_hi, subject_lo, is_person, 1 AS hops FROM hop1
            UNION ALL SELECT controller, key_hi, key_lo, subject_hi, subject_lo, is_person, 2 FROM hop2
            UNION ALL SELECT controller, key_hi, key_lo, subject_hi, subject_lo, is_person, 3 FROM hop3
        ) AS hop
    ) AS ranked WHERE nth = 1
) AS s ON s.controller = u.controller AND s.key_hi = u.key_hi AND s.key_lo = u.key_lo
