-- What was found before about some days: current version, and whether it is closed and by whom.
SELECT nonconformity_hi, nonconformity_lo, version, closed_by, found, happened_at FROM nonconformity
WHERE list_contains($controllers, controller) AND happened_at >= $from_at
