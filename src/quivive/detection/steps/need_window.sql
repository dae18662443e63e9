-- The capped calls that the work falls in, whole.
SELECT DISTINCT w.controller, w.ident_hi, w.ident_lo, w.from_at, w.to_at, w.piece
FROM capped_window w
JOIN (
    SELECT DISTINCT c.contact_hi, c.contact_lo, c.ident_hi, c.ident_lo
    FROM work_access f
    JOIN capped_window c
        ON c.controller = f.controller AND c.ident_hi = f.ident_hi AND c.ident_lo = f.ident_lo
        AND c.piece = f.started_at - f.started_at % 600000000
    WHERE f.started_at >= c.from_at AND f.started_at <= c.to_at
) AS n ON n.contact_hi = w.contact_hi AND n.contact_lo = w.contact_lo
    AND n.ident_hi = w.ident_hi AND n.ident_lo = w.ident_lo
