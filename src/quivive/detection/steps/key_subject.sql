-- The one subject under which a key is counted: the person when known, else the furthest record on the way.
SELECT controller, key_hi, key_lo, subject_hi, subject_lo
FROM (
    SELECT
        controller, key_hi, key_lo, subject_hi, subject_lo,
        ROW_NUMBER() OVER (
            PARTITION BY controller, key_hi, key_lo ORDER BY is_person DESC, hops DESC, subject_hi, subject_lo
        ) AS nth
    FROM round_identity
) AS ranked
WHERE nth = 1
