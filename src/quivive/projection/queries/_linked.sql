asked AS (
    SELECT DISTINCT CAST(concat('0x', k[1:16]) AS UBIGINT) AS key_hi, CAST(concat('0x', k[17:32]) AS UBIGINT) AS key_lo
    FROM (SELECT unnest($keys) AS k)
),
-- Three hops at most, never through a group (a household or a company account is shared by several persons).
edge AS (
    SELECT l.left_hi, l.left_lo, l.right_hi, l.right_lo FROM scoped_link l
    LEFT JOIN catalogue_table t ON t.controller = l.controller AND t.record_table = l.right_table
    WHERE COALESCE(t.table_kind, '') <> 'group'
),
-- Up to the person first; then down to whatever hangs on it. A person is never left upwards to be left downwards.
up1 AS (
    SELECT key_hi, key_lo FROM asked
    UNION SELECT right_hi, right_lo FROM edge JOIN asked ON left_hi = key_hi AND left_lo = key_lo
),
up2 AS (
    SELECT key_hi, key_lo FROM up1
    UNION SELECT right_hi, right_lo FROM edge JOIN up1 ON left_hi = key_hi AND left_lo = key_lo
),
up3 AS (
    SELECT key_hi, key_lo FROM up2
    UNION SELECT right_hi, right_lo FROM edge JOIN up2 ON left_hi = key_hi AND left_lo = key_lo
),
down1 AS (
    SELECT key_hi, key_lo FROM up3
    UNION SELECT left_hi, left_lo FROM edge JOIN up3 ON right_hi = key_hi AND right_lo = key_lo
),
down2 AS (
    SELECT key_hi, key_lo FROM down1
    UNION SELECT left_hi, left_lo FROM edge JOIN down1 ON right_hi = key_hi AND right_lo = key_lo
),
linked AS (
    SELECT key_hi, key_lo FROM down2
    UNION SELECT left_hi, left_lo FROM edge JOIN down2 ON right_hi = key_hi AND right_lo = key_lo
)
