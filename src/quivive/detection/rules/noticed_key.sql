-- Records on the watch list, canaries, records that members of staff declared as their own; and the records that lead
-- to them (an order of a watched customer is noticed as well).
WITH seed AS (
    SELECT controller, key_hi, key_lo, CASE WHEN owner_hi = 0 AND owner_lo = 0 THEN 1 ELSE 0 END AS vip, 0 AS canary,
        CASE WHEN owner_hi = 0 AND owner_lo = 0 THEN ''
            ELSE LPAD(LOWER(HEX(owner_hi)), 16, '0') || LPAD(LOWER(HEX(owner_lo)), 16, '0') END AS owner
    FROM watched_record WHERE NOT removed
    UNION ALL
    SELECT controller, key_hi, key_lo, 0, 1, '' FROM canary WHERE NOT removed
),
hop1 AS (
    SELECT l.controller, l.left_hi AS key_hi, l.left_lo AS key_lo, s.vip, s.canary, s.owner
    FROM seed s JOIN link l ON l.controller = s.controller AND l.right_hi = s.key_hi AND l.right_lo = s.key_lo
    WHERE l.left_kind = 'record'
),
hop2 AS (
    SELECT l.controller, l.left_hi AS key_hi, l.left_lo AS key_lo, s.vip, s.canary, s.owner
    FROM hop1 s JOIN link l ON l.controller = s.controller AND l.right_hi = s.key_hi AND l.right_lo = s.key_lo
    WHERE l.left_kind = 'record'
)
SELECT controller, key_hi, key_lo, MAX(vip) AS vip, MAX(canary) AS canary, MAX(owner) AS owner
FROM (SELECT * FROM seed UNION ALL SELECT * FROM hop1 UNION ALL SELECT * FROM hop2) AS noticed
GROUP BY controller, key_hi, key_lo
