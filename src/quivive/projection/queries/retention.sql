-- The latest daily check: every store of the scope's controllers, its declared days against the oldest thing found.
SELECT s.day, s.room, s.version AS checked_at, s.store, s.controller, s.retention_class, s.declared_days, s.oldest_at,
    s.overdue, s.held, c.incomplete
FROM retention_store s
JOIN retention_check c ON c.day = s.day AND c.room = s.room
WHERE list_contains($controllers, s.controller)
    AND s.version = (SELECT MAX(n.version) FROM retention_check n WHERE n.room = s.room)
ORDER BY s.overdue DESC, s.controller, s.retention_class, s.store
