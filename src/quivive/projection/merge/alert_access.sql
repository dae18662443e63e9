-- Accesses of an alert, once each, in the order in which they were told.
INSERT INTO alert_access BY NAME
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (
        PARTITION BY alert_hi, alert_lo, access_hi, access_lo ORDER BY changed_at, tie, place
    ) AS nth
    FROM staged_alert_access s
) f
WHERE nth = 1
    AND NOT EXISTS (
        SELECT 1 FROM alert_access a
        WHERE a.alert_hi = f.alert_hi AND a.alert_lo = f.alert_lo
            AND a.access_hi = f.access_hi AND a.access_lo = f.access_lo
    );
