-- Keys under which the same customer may have been shown before: the record itself, the person, and what leads to it.
SELECT controller, access_hi, access_lo, key_hi, key_lo, key_hi AS before_hi, key_lo AS before_lo FROM return_unit
UNION
SELECT controller, access_hi, access_lo, key_hi, key_lo, subject_hi, subject_lo FROM return_unit
UNION
SELECT u.controller, u.access_hi, u.access_lo, u.key_hi, u.key_lo, l.left_hi, l.left_lo
FROM return_unit u
JOIN link l ON l.controller = u.controller AND l.right_hi = u.subject_hi AND l.right_lo = u.subject_lo
