-- One non-conformity as it stands.
SELECT
    controller, nonconformity_kind, medium, campaign, recording_hi, recording_lo, listening_hi, listening_lo,
    contact_hi, contact_lo, person_hi, person_lo, aimed_at, happened_at, found, most
FROM nonconformity
WHERE nonconformity_hi = $hi AND nonconformity_lo = $lo
