    -- One episode: same agent, controller and call; the same hour of a ticket or callback (they live for weeks); the
    -- same five minutes when there is no evidence. So none is longer than a call, which explains five hours at most.
    md5(concat_ws(
        ':', controller, ident_hi, ident_lo,
        CASE
            WHEN evidence_hi = 0 AND evidence_lo = 0 THEN concat('t', started_at // 300000000)
            WHEN evidence_kind = 'call' THEN concat('c', evidence_hi, '/', evidence_lo)
            ELSE concat('c', evidence_hi, '/', evidence_lo, '/', started_at // 3600000000)
        END
    ))
