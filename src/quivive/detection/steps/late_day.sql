-- Days that may be sealed already and that the windows of touched contacts reach: at most `late_span` back.
SELECT DISTINCT d.day_at
FROM (
    SELECT b.day_at
    FROM contact_window w
    JOIN live_near n ON n.contact_hi = w.contact_hi AND n.contact_lo = w.contact_lo
    JOIN late_span b ON w.from_at < b.day_at + 86400000000 AND w.to_at >= b.day_at
) AS d
LEFT JOIN late_day l ON l.day_at = d.day_at
WHERE l.day_at IS NULL
