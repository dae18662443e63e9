-- The first objection on a call counts: it is not taken back.
INSERT INTO audio_objection BY NAME
SELECT contact_hi, contact_lo, MIN(controller) AS controller, MIN(objected_at) AS objected_at
FROM staged_audio_objection s
WHERE NOT EXISTS (
    SELECT 1 FROM audio_objection c WHERE c.contact_hi = s.contact_hi AND c.contact_lo = s.contact_lo
)
GROUP BY contact_hi, contact_lo;
