-- Per controller and coverage class: accesses, and judged units by verdict and strength.
WITH per_access AS (
    SELECT controller, coverage, COUNT(*) AS accesses FROM scoped_access GROUP BY controller, coverage
),
per_verdict AS (
    SELECT a.controller, a.coverage, v.verdict, v.strength, COUNT(*) AS exposures
    FROM scoped_access a JOIN scoped_verdict v
        ON v.access_hi = a.access_hi AND v.access_lo = a.access_lo AND v.started_at = a.started_at
    WHERE v.verdict <> 'not_applicable'
    GROUP BY a.controller, a.coverage, v.verdict, v.strength
)
SELECT
    a.controller, a.coverage, a.accesses, COALESCE(v.verdict, '') AS verdict,
    COALESCE(v.strength, 'none') AS strength, COALESCE(v.exposures, 0) AS exposures
FROM per_access a LEFT JOIN per_verdict v ON v.controller = a.controller AND v.coverage = a.coverage
ORDER BY a.controller, a.coverage, verdict, strength
