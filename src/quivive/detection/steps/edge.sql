-- One hop from the keys of `hop_from` towards the person. Groups are no identity: several persons share them.
SELECT DISTINCT
    h.controller, h.key_hi, h.key_lo, l.right_hi AS subject_hi, l.right_lo AS subject_lo,
    CASE WHEN COALESCE(t.table_kind, 'person') = 'person' THEN 1 ELSE 0 END AS is_person
FROM hop_from h
JOIN link l ON l.controller = h.controller AND l.left_hi = h.subject_hi AND l.left_lo = h.subject_lo
LEFT JOIN catalogue_table t ON t.controller = l.controller AND t.record_table = l.right_table
WHERE COALESCE(t.table_kind, '') <> 'group'
