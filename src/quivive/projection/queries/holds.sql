-- Holds that were not released, the newest first. A hold without a second person lapses: the reader judges by noted_at.
SELECT
    h.hold_hi, h.hold_lo, h.noted_at, h.controller, h.retention_class, h.from_at, h.to_at, h.until_at, h.order_code,
    h.approval, h.placed_by, h.approved_by
FROM hold h
WHERE list_contains($controllers, h.controller)
    AND NOT EXISTS (SELECT 1 FROM hold_release r WHERE r.hold_hi = h.hold_hi AND r.hold_lo = h.hold_lo)
ORDER BY h.noted_at DESC, h.hold_hi, h.hold_lo
