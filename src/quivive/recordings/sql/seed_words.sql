-- Commitments and seeds of the draws of some days, each with the instant it was first written.
SELECT controller, campaign, day, commitment, seed, MIN(written_at) AS written_at FROM recording_seed
WHERE list_contains($controllers, controller) AND day >= $from_day AND day <= $to_day
GROUP BY controller, campaign, day, commitment, seed
