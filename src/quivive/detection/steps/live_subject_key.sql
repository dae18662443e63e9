-- Keys under the customers of touched tickets and callbacks: their windows are long, so only these are judged again.
WITH named AS (
    SELECT DISTINCT s.controller, s.key_hi, s.key_lo FROM contact_subject s
    JOIN contact_near c ON c.controller = s.controller AND c.contact_hi = s.contact_hi AND c.contact_lo = s.contact_lo
    WHERE c.contact_kind <> 'call'
),
up1 AS (
    SELECT controller, key_hi, key_lo FROM named
    UNION SELECT l.controller, l.right_hi, l.right_lo FROM link l
        JOIN named d ON d.controller = l.controller AND d.key_hi = l.left_hi AND d.key_lo = l.left_lo
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
