-- A ticket worked on around the access, a review that was saved is strong, otherwise less. Then one reason per exposure: the strongest,
-- the most direct template, the nearest, and last the key, so that no order of arrival decides.
SELECT access_hi, access_lo, key_hi, key_lo, contact_hi, contact_lo, template, strength, delta_us
FROM (
    SELECT
        told.*,
        ROW_NUMBER() OVER (
            PARTITION BY access_hi, access_lo, key_hi, key_lo
            ORDER BY
                CASE strength WHEN 'strong' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, priority,
                ABS(delta_us), contact_hi, contact_lo, template
        ) AS nth
    FROM (
        SELECT
            m.access_hi, m.access_lo, m.key_hi, m.key_lo, m.contact_hi, m.contact_lo, m.template, m.priority,
            m.delta_us,
            CASE WHEN m.near_us > 0 AND k.contact_hi IS NULL AND m.strength = 'strong'
                THEN m.strength_else ELSE m.strength END AS strength
        FROM identity_match m
        LEFT JOIN (
            SELECT DISTINCT n.access_hi, n.access_lo, n.contact_hi, n.contact_lo
            FROM identity_match n
            JOIN contact_touch t ON t.contact_hi = n.contact_hi AND t.contact_lo = n.contact_lo
            WHERE n.near_us > 0 AND t.touched_at BETWEEN n.started_at - n.near_us AND n.started_at + n.near_us
        ) AS k ON m.near_us > 0 AND k.access_hi = m.access_hi AND k.access_lo = m.access_lo
            AND k.contact_hi = m.contact_hi AND k.contact_lo = m.contact_lo
    ) AS told
) AS ranked
WHERE nth = 1
