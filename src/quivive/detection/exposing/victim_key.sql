-- Each victim's own record and the records that lead to it.
SELECT victim, controller, key_hi, key_lo FROM victim
UNION
SELECT v.victim, v.controller, l.left_hi, l.left_lo
FROM victim v JOIN link l ON l.controller = v.controller AND l.right_hi = v.key_hi AND l.right_lo = v.key_lo
