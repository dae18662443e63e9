worst AS (
    -- An access shows the worst of its exposures (DESIGN 9.1); one not judged yet is pending.
    SELECT * EXCLUDE (nth) FROM (
        SELECT
            v.*,
            ROW_NUMBER() OVER (
                PARTITION BY v.access_hi, v.access_lo
                ORDER BY
                    CASE v.verdict
                        WHEN 'unexplained' THEN 1 WHEN 'unknown' THEN 2 WHEN 'pending' THEN 3
                        WHEN 'explained' THEN 4 ELSE 5
                    END,
                    CASE v.strength WHEN 'weak' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
                    v.key_hi, v.key_lo
            ) AS nth
        FROM scoped_verdict v JOIN picked p
            ON p.access_hi = v.access_hi AND p.access_lo = v.access_lo AND p.started_at = v.started_at
    ) WHERE nth = 1
),
judged AS (
    SELECT
        p.*,
        CASE COALESCE(w.verdict, 'pending') WHEN 'not_applicable' THEN '' ELSE COALESCE(w.verdict, 'pending') END
            AS verdict,
        COALESCE(w.strength, 'none') AS strength,
        COALESCE(w.template, 'none') AS template,
        COALESCE(w.cause, 'none') AS unknown_cause,
        COALESCE(w.contact_hi, 0) AS evidence_hi,
        COALESCE(w.contact_lo, 0) AS evidence_lo,
        COALESCE(c.contact_kind, '') AS evidence_kind,
        COALESCE(c.label, '') AS evidence_label,
        COALESCE(w.delta_us, 0) AS evidence_delta_us,
        COALESCE(w.final, FALSE) AS judged_final,
        COALESCE(w.late, FALSE) AS late
    FROM picked p
    LEFT JOIN worst w
        ON w.access_hi = p.access_hi AND w.access_lo = p.access_lo AND w.started_at = p.started_at
    LEFT JOIN scoped_contact c
        ON c.controller = p.controller AND c.contact_hi = w.contact_hi AND c.contact_lo = w.contact_lo
)
