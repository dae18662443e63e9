-- The latest sealed catalogue of a controller is current. A new one judges that controller's hot accesses again.
CREATE OR REPLACE TEMP TABLE fresh_catalogue AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY controller ORDER BY version DESC, tie DESC) AS nth
    FROM staged_catalogue_version s
) WHERE nth = 1;
DELETE FROM fresh_catalogue f USING catalogue_version c
WHERE c.controller = f.controller AND (c.version, c.tie) >= (f.version, f.tie);
INSERT INTO dirty_access
SELECT a.access_hi, a.access_lo, a.started_at FROM access a JOIN fresh_catalogue f ON a.controller = f.controller
LEFT JOIN catalogue_version c ON c.controller = f.controller
WHERE c.tie IS NULL OR c.tie <> f.tie;
DELETE FROM catalogue_version c USING fresh_catalogue f WHERE c.controller = f.controller;
DELETE FROM catalogue_table c USING fresh_catalogue f WHERE c.controller = f.controller;
INSERT INTO catalogue_version BY NAME SELECT * FROM fresh_catalogue;
INSERT INTO catalogue_table BY NAME
SELECT DISTINCT s.* EXCLUDE (version, tie) FROM staged_catalogue_table s JOIN fresh_catalogue f
    ON s.controller = f.controller AND s.version = f.version AND s.tie = f.tie;
