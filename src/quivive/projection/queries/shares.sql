-- Judged units by controller, verdict, strength and template.
SELECT controller, verdict, strength, template, final, COUNT(*) AS exposures
FROM scoped_verdict
WHERE verdict <> 'not_applicable'
    AND (verdict <> 'unexplained' OR EXISTS (SELECT 1 FROM gate_active))
GROUP BY controller, verdict, strength, template, final
ORDER BY controller, verdict, strength, template, final
