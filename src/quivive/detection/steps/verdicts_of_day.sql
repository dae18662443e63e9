-- Final verdicts of a day, without what differs between a live and a replayed judgement (instant, revision).
SELECT
    access_hi, access_lo, key_hi, key_lo, verdict, strength, template, cause, contact_hi, contact_lo, subject_rank
FROM all_verdict
WHERE started_at >= $from_at AND started_at < $to_at AND final AND verdict <> 'not_applicable'
ORDER BY access_hi, access_lo, key_hi, key_lo
