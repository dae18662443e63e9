-- Completeness and life signs of sources only grow.
CREATE OR REPLACE TEMP TABLE fresh_heartbeat AS
SELECT controller, source, MAX(complete_to) AS complete_to
FROM (SELECT * FROM staged_heartbeat UNION ALL SELECT * FROM heartbeat) GROUP BY controller, source;
DELETE FROM heartbeat;
INSERT INTO heartbeat BY NAME SELECT * FROM fresh_heartbeat;
CREATE OR REPLACE TEMP TABLE fresh_source AS
SELECT controller, source, MAX(last_at) AS last_at, SUM(entries)::BIGINT AS entries
FROM (SELECT * FROM staged_source_state UNION ALL SELECT * FROM source_state) GROUP BY controller, source;
DELETE FROM source_state;
INSERT INTO source_state BY NAME SELECT * FROM fresh_source;
