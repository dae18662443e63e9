-- What happened outside what was announced, open ones first, newest first. `manager` tells that it is put to a person
-- (the listener); otherwise to the owner of the campaign. The agent who was heard is not among the columns.
SELECT
    n.nonconformity_hi, n.nonconformity_lo, n.controller, n.nonconformity_kind, n.medium, n.campaign, n.recording_hi,
    n.recording_lo, n.listening_hi, n.listening_lo, n.happened_at, n.found_at, n.found, n.most,
    length(n.aimed_at) = 32 AS manager, CASE WHEN length(n.aimed_at) = 32 THEN '' ELSE n.aimed_at END AS owner,
    n.version, n.closed_by, n.closing_reference
FROM nonconformity n
WHERE list_contains($controllers, n.controller) AND n.happened_at >= $from_at AND n.happened_at < $to_at
ORDER BY CASE WHEN n.closed_by = '' THEN 0 ELSE 1 END, n.happened_at DESC, n.nonconformity_hi, n.nonconformity_lo
LIMIT COALESCE($limit, 200)
