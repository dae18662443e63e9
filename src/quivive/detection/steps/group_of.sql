-- Groups (household, company account) of the subjects at hand, since when the tie is known. A group is its own.
SELECT controller, subject_hi, subject_lo, group_hi, group_lo, MIN(known_at) AS known_at
FROM (
    SELECT i.controller, i.subject_hi, i.subject_lo, l.right_hi AS group_hi, l.right_lo AS group_lo, l.first_at AS known_at
    FROM (SELECT DISTINCT controller, subject_hi, subject_lo FROM identity) AS i
    JOIN link l ON l.controller = i.controller AND l.left_hi = i.subject_hi AND l.left_lo = i.subject_lo
    JOIN catalogue_table t ON t.controller = l.controller AND t.record_table = l.right_table AND t.table_kind = 'group'
    UNION ALL
    SELECT s.controller, s.key_hi, s.key_lo, s.key_hi, s.key_lo, 0
    FROM work_subject s WHERE s.table_kind = 'group'
    UNION ALL
    -- A contact may itself name the group.
    SELECT c.controller, c.key_hi, c.key_lo, c.key_hi, c.key_lo, 0
    FROM contact_subject c
    JOIN contact_near n ON n.controller = c.controller AND n.contact_hi = c.contact_hi AND n.contact_lo = c.contact_lo
) AS g
GROUP BY controller, subject_hi, subject_lo, group_hi, group_lo
