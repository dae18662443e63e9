-- Keys under the customers of `named_key`: three hops up to the person, and down again.
WITH up1 AS (
    SELECT controller, key_hi, key_lo FROM named_key
    UNION SELECT l.controller, l.right_hi, l.right_lo FROM link l
        JOIN named_key d ON d.controller = l.controller AND d.key_hi = l.left_hi AND d.key_lo = l.left_lo
),
up2 AS (
    SELECT controller, key_hi, key_lo FROM up1
    UNION SELECT l.controller, l.right_hi, l.right_lo FROM link l
        JOIN up1 d ON d.controller = l.controller AND d.key_hi = l.left_hi AND d.key_lo = l.left_lo
),
down1 AS (
    SELECT controller, key_hi, key_lo FROM up2
    UNION SELECT l.controller, l.left_hi, l.left_lo FROM link l
        JOIN up2 d ON d.controller = l.controller AND d.key_hi = l.right_hi AND d.key_lo = l.right_lo
)
SELECT controller, key_hi, key_lo FROM down1
UNION SELECT l.controller, l.left_hi, l.left_lo FROM link l
    JOIN down1 d ON d.controller = l.controller AND d.key_hi = l.right_hi AND d.key_lo = l.right_lo
