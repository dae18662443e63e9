-- Lines of the registers that people keep, of the scope's controllers and of the operator itself. $register NULL gives all.
SELECT register, controller, reference, label, country, from_at, to_at, due_at, state, version
FROM register_row
WHERE NOT removed AND (controller = '' OR list_contains($controllers, controller))
    AND ($register IS NULL OR register = $register)
ORDER BY register, controller, reference
LIMIT COALESCE($limit, 5000)
