    access_hi, access_lo, started_at AS "at", ended_at, controller, source, grade, ident_hi, ident_lo, attribution,
    "action" AS "action", tables, columns, changed, coverage, row_count AS "rows", distinct_count AS "distinct",
    outcome, verdict, strength, template, unknown_cause, evidence_kind, evidence_label,
    CAST(FLOOR(evidence_delta_us / 1000000) AS BIGINT) AS evidence_delta_s, pattern_class, shape, 1 AS statements
