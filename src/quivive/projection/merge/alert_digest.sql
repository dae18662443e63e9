-- The latest digest of a controller's day is current.
CREATE OR REPLACE TEMP TABLE fresh_digest AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY controller, day ORDER BY version DESC, tie DESC) AS nth
    FROM staged_alert_digest s
) WHERE nth = 1;
DELETE FROM fresh_digest f USING alert_digest c
WHERE c.controller = f.controller AND c.day = f.day AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM alert_digest c USING fresh_digest f WHERE c.controller = f.controller AND c.day = f.day;
INSERT INTO alert_digest BY NAME SELECT * FROM fresh_digest;
