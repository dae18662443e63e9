-- E17: back to a customer for whom the same person had a strong reason within a day. The nearest counts.
SELECT access_hi, access_lo, key_hi, key_lo, contact_hi, contact_lo, template, strength, delta_us, subject_rank
FROM (
    SELECT
        u.access_hi, u.access_lo, u.key_hi, u.key_lo, s.contact_hi, s.contact_lo, t.template, t.strength,
        u.started_at - s.started_at AS delta_us, 0 AS subject_rank,
        ROW_NUMBER() OVER (
            PARTITION BY u.access_hi, u.access_lo, u.key_hi, u.key_lo
            ORDER BY s.started_at DESC, s.contact_hi, s.contact_lo
        ) AS nth
    FROM return_unit u
    JOIN template t ON t.shape = 'return'
    JOIN return_key k
        ON k.access_hi = u.access_hi AND k.access_lo = u.access_lo AND k.key_hi = u.key_hi AND k.key_lo = u.key_lo
    JOIN return_strong s ON s.controller = k.controller AND s.key_hi = k.before_hi AND s.key_lo = k.before_lo
    JOIN return_access a
        ON a.access_hi = s.access_hi AND a.access_lo = s.access_lo AND a.ident_hi = u.ident_hi AND a.ident_lo = u.ident_lo
    WHERE s.started_at < u.started_at AND s.started_at >= u.started_at - t.before_us
) AS ranked
WHERE nth = 1
