-- The verdict of each unit, from its reason if any, else from what is known of agent, records and sources.
WITH unit AS (
    -- Each exposure; a listing of more than twenty subjects once (0/0); an access whose records could not be told
    -- once (0/0); and, without a verdict, accesses that show nobody.
    SELECT t.access_hi, t.access_lo, t.started_at, s.controller, s.key_hi, s.key_lo,
        CASE WHEN s.table_kind = 'unmapped' THEN 'unresolved' ELSE 'exposure' END AS unit_kind
    FROM target t
    JOIN work_size n ON n.access_hi = t.access_hi AND n.access_lo = t.access_lo AND n.subjects <= 20
    JOIN work_subject s ON s.access_hi = t.access_hi AND s.access_lo = t.access_lo
    UNION ALL
    SELECT a.access_hi, a.access_lo, a.started_at, a.controller, 0, 0,
        CASE
            WHEN z.records IS NOT NULL THEN 'listing'
            WHEN a.coverage IN ('count_only', 'opaque') THEN 'unresolved'
            ELSE 'nothing'
        END AS unit_kind
    FROM (
        SELECT t.access_hi, t.access_lo FROM target t
        LEFT JOIN work_size n ON n.access_hi = t.access_hi AND n.access_lo = t.access_lo
        WHERE n.access_hi IS NULL OR n.subjects > 20
    ) AS t
    JOIN work_access a ON a.access_hi = t.access_hi AND a.access_lo = t.access_lo
    LEFT JOIN work_records z ON z.access_hi = a.access_hi AND z.access_lo = a.access_lo
)
SELECT
    u.access_hi, u.access_lo, u.started_at, u.controller, u.key_hi, u.key_lo,
    CASE
        WHEN u.unit_kind = 'nothing' THEN 'not_applicable'
        WHEN q.access_hi IS NOT NULL THEN 'explained'
        WHEN a.ident_hi = 0 AND a.ident_lo = 0 THEN 'unknown'
        WHEN r.access_hi IS NOT NULL OR l.access_hi IS NOT NULL THEN 'explained'
        WHEN u.unit_kind = 'unresolved' THEN 'unknown'
        WHEN j.complete_to >= u.started_at + j.lateness_us THEN 'unexplained'
        WHEN j.silent_complete_to < u.started_at + j.lateness_us THEN 'unknown'
        ELSE 'pending'
    END AS verdict,
    COALESCE(q.strength, r.strength, l.strength, 'none') AS strength,
    COALESCE(q.template, r.template, l.template, 'none') AS template,
    CASE
        WHEN u.unit_kind = 'nothing' OR q.access_hi IS NOT NULL THEN 'none'
        WHEN a.ident_hi = 0 AND a.ident_lo = 0 THEN 'unattributed'
        WHEN r.access_hi IS NOT NULL OR l.access_hi IS NOT NULL THEN 'none'
        WHEN u.unit_kind = 'unresolved' THEN 'key_unresolved'
        WHEN j.complete_to >= u.started_at + j.lateness_us THEN 'none'
        WHEN j.silent_complete_to < u.started_at + j.lateness_us THEN 'source_silent'
        ELSE 'none'
    END AS cause,
    COALESCE(q.contact_hi, r.contact_hi, l.contact_hi, 0) AS contact_hi,
    COALESCE(q.contact_lo, r.contact_lo, l.contact_lo, 0) AS contact_lo,
    COALESCE(q.delta_us, r.delta_us, l.delta_us, 0) AS delta_us,
    COALESCE(r.subject_rank, 0) AS subject_rank,
    u.unit_kind = 'nothing' OR j.complete_to >= u.started_at + j.lateness_us AS final
FROM unit u
JOIN work_access a ON a.access_hi = u.access_hi AND a.access_lo = u.access_lo
LEFT JOIN source_state_of j ON j.controller = u.controller
LEFT JOIN reason r
    ON r.access_hi = u.access_hi AND r.access_lo = u.access_lo AND r.key_hi = u.key_hi AND r.key_lo = u.key_lo
    AND u.unit_kind = 'exposure'
LEFT JOIN listing l ON l.access_hi = u.access_hi AND l.access_lo = u.access_lo AND u.unit_kind = 'exposure'
    AND (a.ident_hi <> 0 OR a.ident_lo <> 0)
LEFT JOIN job_reason q
    ON q.access_hi = u.access_hi AND q.access_lo = u.access_lo AND u.unit_kind IN ('exposure', 'listing')
