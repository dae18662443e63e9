-- Reasons by contacts: identity, then the capped ones. One per exposure.
SELECT access_hi, access_lo, key_hi, key_lo, contact_hi, contact_lo, template, strength, delta_us, subject_rank
FROM (
    SELECT
        u.*,
        ROW_NUMBER() OVER (
            PARTITION BY access_hi, access_lo, key_hi, key_lo
            ORDER BY priority, subject_rank, ABS(delta_us), contact_hi, contact_lo
        ) AS nth
    FROM (
        SELECT
            access_hi, access_lo, key_hi, key_lo, contact_hi, contact_lo, template, strength, delta_us,
            0 AS subject_rank, 0 AS priority
        FROM identity_best
        UNION ALL
        SELECT
            p.access_hi, p.access_lo, p.key_hi, p.key_lo, p.contact_hi, p.contact_lo, s.template, s.strength,
            p.started_at - p.anchor_at, p.subject_rank, s.priority
        FROM presence p JOIN template s ON s.shape = 'stated'
        WHERE p.is_stated = 1 AND p.subject_rank <= s.cap
        UNION ALL
        SELECT
            r.access_hi, r.access_lo, r.key_hi, r.key_lo, r.contact_hi, r.contact_lo, t.template, t.strength,
            r.started_at - r.anchor_at, 0, t.priority
        FROM related r JOIN template t ON t.shape = 'related'
        WHERE r.subject_rank <= t.cap
        UNION ALL
        SELECT
            p.access_hi, p.access_lo, p.key_hi, p.key_lo, p.contact_hi, p.contact_lo, p.template, p.strength,
            p.started_at - p.anchor_at, p.subject_rank, p.priority
        FROM presence p
        WHERE p.subject_rank <= p.cap
    ) AS u
) AS ranked
WHERE nth = 1
