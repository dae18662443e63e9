-- Who looked at one person's activity, by UTC day, role and kind of look: counts, never a name. An alert or a question
-- about the person is exact (`about_me`); a list of the person's companies may or may not have shown it.
-- $person is the session's own: only the own-space route may call this.
WITH mine AS (
    SELECT printf('%016x%016x', alert_hi, alert_lo) AS object FROM alert
    WHERE ident_hi = $person_hi AND ident_lo = $person_lo
),
companies AS (
    SELECT DISTINCT controller FROM assignment WHERE person_hi = $person_hi AND person_lo = $person_lo
),
looks AS (
    SELECT DISTINCT
        t.entry, t.acted_at - t.acted_at % 86400000000 AS day_at, t."role", t.act, m.object IS NOT NULL AS about_me
    FROM act t
    LEFT JOIN mine m ON m.object = t.object
    LEFT JOIN companies c ON list_contains(string_split(t.controllers, ','), c.controller)
    WHERE t.acted_at >= $from_at AND t.acted_at < $to_at
        AND (
            m.object IS NOT NULL
            OR (c.controller IS NOT NULL AND t.act IN ('view_activity_open', 'view_unexplained', 'view_access', 'view_alerts'))
        )
)
SELECT day_at, "role", act, about_me, COUNT(*) AS looks
FROM looks
GROUP BY day_at, "role", act, about_me
ORDER BY day_at DESC, about_me DESC, "role", act
LIMIT COALESCE($limit, 500)
