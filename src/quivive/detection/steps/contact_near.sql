-- Contacts whose windows can touch the instants of the work (its bounds carry hours of margin on both sides).
SELECT c.*
FROM contact c CROSS JOIN work_bounds b
WHERE
    (c.contact_kind = 'call'
        AND GREATEST(c.preview_at, c.offered_at, c.started_at) <= b.to_at
        AND (c.ended_at = 0 OR c.ended_at >= b.from_at)
        AND GREATEST(c.preview_at, c.offered_at, c.started_at, c.ended_at) >= b.from_at)
    OR (c.contact_kind = 'callback' AND c.due_at BETWEEN b.from_at AND b.to_at)
    OR (c.contact_kind = 'ticket' AND GREATEST(c.opened_at, c.assigned_at) <= b.to_at + 86400000000
        AND (c.closed_at = 0 OR c.closed_at >= b.from_at - 172800000000))
