-- Holds on recordings that last beyond $as_of, released ones left out.
SELECT hold_hi, hold_lo, controller, scope, object, reference, from_at, until_at, asked_by, approved_by
FROM audio_hold
WHERE list_contains($controllers, controller) AND NOT released AND until_at > $as_of
ORDER BY until_at, hold_hi, hold_lo
