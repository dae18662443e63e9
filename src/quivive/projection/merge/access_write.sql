-- After `access.sql` and, for days already sealed, `sealed_access.sql`.
INSERT INTO access BY NAME SELECT * FROM fresh_access;
INSERT INTO exposure BY NAME SELECT * FROM fresh_exposure;
INSERT INTO access_neighbourhood BY NAME SELECT * FROM fresh_neighbourhood;
INSERT INTO dirty_access
SELECT access_hi, access_lo, started_at FROM fresh_access
UNION SELECT access_hi, access_lo, started_at FROM fresh_exposure;
