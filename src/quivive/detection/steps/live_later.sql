-- Later openings in the same call as one judged now: its rank under the cap may have moved theirs.
SELECT DISTINCT c.access_hi, c.access_lo, c.started_at
FROM leftover c
JOIN call_window w
    ON w.controller = c.controller AND w.ident_hi = c.ident_hi AND w.ident_lo = c.ident_lo
    AND w.piece = c.started_at - c.started_at % 600000000 AND c.started_at >= w.from_at AND c.started_at <= w.to_at
JOIN (
    SELECT w2.contact_hi, w2.contact_lo, w2.ident_hi, w2.ident_lo, MIN(a.started_at) AS first_at
    FROM work_access a
    JOIN target t ON t.access_hi = a.access_hi AND t.access_lo = a.access_lo
    JOIN call_window w2
        ON w2.controller = a.controller AND w2.ident_hi = a.ident_hi AND w2.ident_lo = a.ident_lo
        AND w2.piece = a.started_at - a.started_at % 600000000 AND a.started_at >= w2.from_at AND a.started_at <= w2.to_at
    GROUP BY w2.contact_hi, w2.contact_lo, w2.ident_hi, w2.ident_lo
) AS f ON f.contact_hi = w.contact_hi AND f.contact_lo = w.contact_lo AND f.ident_hi = w.ident_hi
    AND f.ident_lo = w.ident_lo
LEFT JOIN target t ON t.access_hi = c.access_hi AND t.access_lo = c.access_lo
WHERE c.started_at >= f.first_at AND t.access_hi IS NULL
