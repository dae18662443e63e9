-- Accesses of an alert and of the hits that joined it.
SELECT DISTINCT printf('%016x%016x', access_hi, access_lo) FROM alert_access
WHERE alert_hi = $alert_hi AND alert_lo = $alert_lo ORDER BY 1
