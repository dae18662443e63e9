-- Every change stays; the same one told twice is one.
INSERT INTO alert_change BY NAME
SELECT DISTINCT s.* FROM staged_alert_change s
WHERE NOT EXISTS (
    SELECT 1 FROM alert_change a
    WHERE a.alert_hi = s.alert_hi AND a.alert_lo = s.alert_lo AND a.changed_at = s.changed_at AND a.tie = s.tie
);
