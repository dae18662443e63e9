-- A late arrival for a sealed day: what the day already holds is no news; the day itself never changes.
DELETE FROM fresh_access f USING (SELECT access_hi, access_lo FROM read_parquet($access_files)) a
WHERE a.access_hi = f.access_hi AND a.access_lo = f.access_lo;
DELETE FROM fresh_exposure f
USING (SELECT access_hi, access_lo, key_hi, key_lo FROM read_parquet($exposure_files)) e
WHERE e.access_hi = f.access_hi AND e.access_lo = f.access_lo AND e.key_hi = f.key_hi AND e.key_lo = f.key_lo;
DELETE FROM fresh_neighbourhood f
USING (SELECT access_hi, access_lo, neighbourhood FROM read_parquet($access_neighbourhood_files)) e
WHERE e.access_hi = f.access_hi AND e.access_lo = f.access_lo AND e.neighbourhood = f.neighbourhood;
