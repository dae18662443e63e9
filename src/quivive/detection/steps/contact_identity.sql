-- Who a contact is about. A key shared by more than three persons is a medium identity, by more than ten none.
SELECT
    s.controller, s.contact_hi, s.contact_lo, i.subject_hi, i.subject_lo,
    MAX(CASE WHEN s.identity_kind = 'record' OR i.hops = 0 OR n.persons <= 3 THEN 1 ELSE 0 END) AS is_sure,
    MAX(CASE WHEN s.identity_kind = 'record' OR n.persons BETWEEN 1 AND 10 THEN 1 ELSE 0 END) AS identifies
FROM contact_subject s
JOIN contact_near c ON c.controller = s.controller AND c.contact_hi = s.contact_hi AND c.contact_lo = s.contact_lo
JOIN identity i ON i.controller = s.controller AND i.key_hi = s.key_hi AND i.key_lo = s.key_lo
LEFT JOIN (
    SELECT controller, key_hi, key_lo, COUNT(*) AS persons
    FROM identity WHERE is_person = 1 GROUP BY controller, key_hi, key_lo
) AS n ON n.controller = s.controller AND n.key_hi = s.key_hi AND n.key_lo = s.key_lo
WHERE s.identity_kind = 'record' OR i.hops = 0 OR n.persons <= 10
GROUP BY s.controller, s.contact_hi, s.contact_lo, i.subject_hi, i.subject_lo
