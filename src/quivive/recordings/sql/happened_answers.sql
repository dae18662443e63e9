-- What the gate said of the calls that were recorded or listened to in some days.
SELECT a.controller, a.medium, a.contact_hi, a.contact_lo, a.allowed, a.reason, a.campaign, a.asked_at
FROM recording_answer a
WHERE list_contains($controllers, a.controller) AND (a.contact_hi <> 0 OR a.contact_lo <> 0)
    AND a.asked_at >= $from_at AND a.asked_at < $to_at
    AND (
        EXISTS (SELECT 1 FROM recording r WHERE r.contact_hi = a.contact_hi AND r.contact_lo = a.contact_lo)
        OR EXISTS (SELECT 1 FROM listening l WHERE l.contact_hi = a.contact_hi AND l.contact_lo = a.contact_lo)
    )
