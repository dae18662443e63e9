-- Accesses whose units or verdicts differ from what stands.
SELECT DISTINCT access_hi, access_lo FROM (
    SELECT access_hi, access_lo FROM compared WHERE NOT same
    UNION ALL
    SELECT v.access_hi, v.access_lo
    FROM standing v
    LEFT JOIN decision d
        ON v.access_hi = d.access_hi AND v.access_lo = d.access_lo AND v.key_hi = d.key_hi AND v.key_lo = d.key_lo
    WHERE d.access_hi IS NULL
) AS differing
