    -- One episode: same agent, controller and evidence, or the same five minutes when there is no evidence.
    md5(concat_ws(
        ':', controller, ident_hi, ident_lo,
        CASE
            WHEN evidence_hi = 0 AND evidence_lo = 0 THEN concat('t', started_at // 300000000)
            ELSE concat('c', evidence_hi, '/', evidence_lo)
        END
    ))
