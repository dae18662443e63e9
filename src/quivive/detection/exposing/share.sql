-- Per person and week: records opened, and the queue with most contacts ('' without any): comparable work.
SELECT o.controller, o.week, o.ident_hi, o.ident_lo, o.records, COALESCE(q.queue, '') AS queue
FROM (
    SELECT controller, week, ident_hi, ident_lo, COUNT(DISTINCT concat(key_hi, '/', key_lo)) AS records
    FROM opening GROUP BY controller, week, ident_hi, ident_lo
) AS o
LEFT JOIN (
    SELECT * FROM (
        SELECT
            controller, day, ident_hi, ident_lo, concat(contact_kind, '/', queue) AS queue,
            ROW_NUMBER() OVER (
                PARTITION BY controller, day, ident_hi, ident_lo ORDER BY COUNT(*) DESC, contact_kind, queue
            ) AS nth
        FROM handled GROUP BY controller, day, ident_hi, ident_lo, contact_kind, queue
    ) AS ranked WHERE nth = 1
) AS q ON q.controller = o.controller AND q.day = o.week AND q.ident_hi = o.ident_hi AND q.ident_lo = o.ident_lo
ORDER BY o.controller, o.week, o.ident_hi, o.ident_lo
