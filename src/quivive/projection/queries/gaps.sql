-- Intervals in which a source may have missed something, newest first.
SELECT controller, source, from_at, to_at, cause, lost FROM gap
WHERE (list_contains($controllers, controller) OR controller = 'operator')
    AND to_at >= $from_at AND from_at < $to_at
ORDER BY to_at DESC, source, from_at
LIMIT COALESCE($limit, 200)
