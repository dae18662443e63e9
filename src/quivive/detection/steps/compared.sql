-- Each decision beside the verdict that stands.
SELECT
    d.*, v.access_hi IS NOT NULL AS stood, v.revision AS old_revision, v.decided_at AS old_decided_at,
    COALESCE(v.late OR (v.final AND v.verdict = 'explained'), FALSE) AS was_closed,
    COALESCE(
        v.verdict = d.verdict AND v.strength = d.strength AND v.template = d.template AND v.cause = d.cause
        AND v.contact_hi = d.contact_hi AND v.contact_lo = d.contact_lo AND v.delta_us = d.delta_us
        AND v.subject_rank = d.subject_rank AND v.final = d.final,
        FALSE
    ) AS same
FROM decision d
LEFT JOIN standing v
    ON v.access_hi = d.access_hi AND v.access_lo = d.access_lo AND v.key_hi = d.key_hi AND v.key_lo = d.key_lo
