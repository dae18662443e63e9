-- Accesses whose units or verdicts differ from what stands.
SELECT DISTINCT access_hi, access_lo FROM (
    SELECT d.access_hi, d.access_lo
    FROM decision d
    LEFT JOIN standing v
        ON v.access_hi = d.access_hi AND v.access_lo = d.access_lo AND v.key_hi = d.key_hi AND v.key_lo = d.key_lo
    WHERE v.access_hi IS NULL OR v.verdict <> d.verdict OR v.strength <> d.strength OR v.template <> d.template
        OR v.cause <> d.cause OR v.contact_hi <> d.contact_hi OR v.contact_lo <> d.contact_lo
        OR v.delta_us <> d.delta_us OR v.subject_rank <> d.subject_rank OR v.final <> d.final
    UNION ALL
    SELECT v.access_hi, v.access_lo
    FROM standing v
    LEFT JOIN decision d
        ON v.access_hi = d.access_hi AND v.access_lo = d.access_lo AND v.key_hi = d.key_hi AND v.key_lo = d.key_lo
    WHERE d.access_hi IS NULL
) AS differing
