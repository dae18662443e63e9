-- One row per alert: told twice, the first one stands. Its accesses, and those of hits that joined it, are kept apart.
INSERT INTO alert BY NAME
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY alert_hi, alert_lo ORDER BY opened_at, tie) AS nth FROM staged_alert s
) f
WHERE nth = 1
    AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.alert_hi = f.alert_hi AND a.alert_lo = f.alert_lo);
