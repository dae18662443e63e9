-- Work handed out above the hourly cap of its type: it explains nothing (E12, E13). The first of the hour count.
SELECT contact_hi, contact_lo, ident_hi, ident_lo, template
FROM (
    SELECT
        w.*,
        ROW_NUMBER() OVER (
            PARTITION BY controller, ident_hi, ident_lo, template, queue, anchor_at - anchor_at % 3600000000
            ORDER BY anchor_at, contact_hi, contact_lo
        ) AS nth
    FROM contact_window w
    WHERE w.shape = 'work' AND w.cap > 0
) AS handed
WHERE nth > cap
