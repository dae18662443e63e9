-- Keys whose identity a new link changes: its left side and whatever hangs on it, three hops down.
WITH down1 AS (
    SELECT controller, key_hi, key_lo FROM dirty_key
    UNION SELECT l.controller, l.left_hi, l.left_lo FROM link l
        JOIN dirty_key d ON d.controller = l.controller AND d.key_hi = l.right_hi AND d.key_lo = l.right_lo
),
down2 AS (
    SELECT controller, key_hi, key_lo FROM down1
    UNION SELECT l.controller, l.left_hi, l.left_lo FROM link l
        JOIN down1 d ON d.controller = l.controller AND d.key_hi = l.right_hi AND d.key_lo = l.right_lo
)
SELECT controller, key_hi, key_lo FROM down2
UNION SELECT l.controller, l.left_hi, l.left_lo FROM link l
    JOIN down2 d ON d.controller = l.controller AND d.key_hi = l.right_hi AND d.key_lo = l.right_lo
