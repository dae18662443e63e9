-- Customers of touched work: its windows are long, so only accesses that show them are judged again.
SELECT DISTINCT s.controller, s.key_hi, s.key_lo
FROM contact_subject s
JOIN live_near c ON c.controller = s.controller AND c.contact_hi = s.contact_hi AND c.contact_lo = s.contact_lo
WHERE c.contact_kind <> 'call'
