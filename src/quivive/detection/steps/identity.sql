-- Every subject a key stands for: itself, and what its links lead to in at most three hops.
SELECT controller, key_hi, key_lo, subject_hi, subject_lo, MAX(is_person) AS is_person, MIN(hops) AS hops
FROM (
    SELECT controller, key_hi, key_lo, key_hi AS subject_hi, key_lo AS subject_lo, 0 AS is_person, 0 AS hops
    FROM key_set
    UNION ALL SELECT controller, key_hi, key_lo, subject_hi, subject_lo, is_person, 1 FROM hop1
    UNION ALL SELECT controller, key_hi, key_lo, subject_hi, subject_lo, is_person, 2 FROM hop2
    UNION ALL SELECT controller, key_hi, key_lo, subject_hi, subject_lo, is_person, 3 FROM hop3
) AS hop
GROUP BY controller, key_hi, key_lo, subject_hi, subject_lo
