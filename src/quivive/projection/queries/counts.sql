-- Totals of the header.
SELECT
    (SELECT COUNT(*) FROM scoped_access) AS accesses,
    (SELECT COUNT(*) FROM scoped_exposure) AS exposures,
    (SELECT COUNT(*) FROM scoped_verdict v WHERE v.verdict = 'unexplained' AND v.final AND NOT v.late
        AND EXISTS (SELECT 1 FROM gate_active)) AS unexplained,
    (SELECT COUNT(*) FROM scoped_verdict v WHERE v.verdict = 'explained') AS explained,
    (SELECT COUNT(*) FROM scoped_verdict v WHERE v.verdict = 'unknown') AS unknown,
    (SELECT COUNT(*) FROM scoped_verdict v WHERE v.verdict = 'pending') AS pending,
    (SELECT COUNT(*) FROM scoped_contact) AS contacts,
    (SELECT COUNT(*) FROM gap g WHERE list_contains($controllers, g.controller)
        AND g.to_at >= $from_at AND g.from_at < $to_at) AS gaps
