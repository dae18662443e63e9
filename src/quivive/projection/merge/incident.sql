-- The latest word on an incident is current: it is opened, and told again when it ends.
CREATE OR REPLACE TEMP TABLE fresh_incident AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY incident_hi, incident_lo ORDER BY version DESC, tie DESC) AS nth
    FROM staged_incident s
) WHERE nth = 1;
DELETE FROM fresh_incident f USING incident c
WHERE c.incident_hi = f.incident_hi AND c.incident_lo = f.incident_lo AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM incident c USING fresh_incident f
WHERE c.incident_hi = f.incident_hi AND c.incident_lo = f.incident_lo;
INSERT INTO incident BY NAME SELECT * FROM fresh_incident;
