-- Calls that the work falls in: caps count over the whole call, so the rest of it must be looked at too.
-- `work_span` is the period that the work holds whole (a replay's): calls inside it need nothing more.
SELECT DISTINCT w.contact_hi, w.contact_lo, w.controller, w.ident_hi, w.ident_lo, w.from_at, w.to_at, w.piece
FROM call_window w
JOIN (
    SELECT c.contact_hi, c.contact_lo, c.ident_hi, c.ident_lo
    FROM work_access f
    JOIN call_window c
        ON c.controller = f.controller AND c.ident_hi = f.ident_hi AND c.ident_lo = f.ident_lo
        AND c.piece = f.started_at - f.started_at % 600000000
    CROSS JOIN work_span p
    WHERE c.shape = 'unidentified' AND (c.from_at < p.from_at OR c.to_at >= p.to_at)
        AND f.started_at >= c.from_at AND f.started_at <= c.to_at
    UNION
    SELECT c.contact_hi, c.contact_lo, c.ident_hi, c.ident_lo
    FROM leftover f
    JOIN call_window c
        ON c.controller = f.controller AND c.ident_hi = f.ident_hi AND c.ident_lo = f.ident_lo
        AND c.piece = f.started_at - f.started_at % 600000000
    CROSS JOIN work_span p
    WHERE c.shape <> 'unidentified' AND (c.from_at < p.from_at OR c.to_at >= p.to_at)
        AND f.started_at >= c.from_at AND f.started_at <= c.to_at
) AS n ON n.contact_hi = w.contact_hi AND n.contact_lo = w.contact_lo
    AND n.ident_hi = w.ident_hi AND n.ident_lo = w.ident_lo
