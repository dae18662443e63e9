-- What two persons were asked to agree on, newest first. $act, $object and $state NULL give all.
SELECT
    approval_hi, approval_lo, controller, act, object, digest, reference, state, proposed_by, proposed_role, proposed_at,
    expires_at, valid_us, decided_by, decided_role, decided_at, done_at
FROM approval
WHERE list_contains($controllers, controller) AND proposed_at >= $from_at AND proposed_at < $to_at
    AND ($act IS NULL OR act = $act) AND ($object IS NULL OR object = $object) AND ($state IS NULL OR state = $state)
ORDER BY proposed_at DESC, approval_hi, approval_lo
LIMIT COALESCE($limit, 200)
