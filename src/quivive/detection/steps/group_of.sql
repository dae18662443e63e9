-- Groups (household, company account) of the subjects at hand, since when the tie is known. A group is its own.
WITH tie AS (
    SELECT l.controller, l.left_hi, l.left_lo, l.right_hi, l.right_lo, l.first_at
    FROM link l
    JOIN catalogue_table t ON t.controller = l.controller AND t.record_table = l.right_table AND t.table_kind = 'group'
)
SELECT controller, subject_hi, subject_lo, group_hi, group_lo, MIN(known_at) AS known_at
FROM (
    SELECT i.controller, i.subject_hi, i.subject_lo, l.right_hi AS group_hi, l.right_lo AS group_lo, l.first_at AS known_at
    FROM (SELECT DISTINCT controller, subject_hi, subject_lo FROM identity) AS i
    JOIN tie l ON l.left_hi = i.subject_hi AND l.left_lo = i.subject_lo AND l.controller = i.controller
    UNION ALL
    -- A record shown, or named by a contact, may itself be the group.
    SELECT i.controller, i.subject_hi, i.subject_lo, i.subject_hi, i.subject_lo, 0
    FROM (SELECT DISTINCT controller, subject_hi, subject_lo FROM identity) AS i
    JOIN (SELECT DISTINCT controller, right_hi, right_lo FROM tie) AS l
        ON l.right_hi = i.subject_hi AND l.right_lo = i.subject_lo AND l.controller = i.controller
) AS g
GROUP BY controller, subject_hi, subject_lo, group_hi, group_lo
