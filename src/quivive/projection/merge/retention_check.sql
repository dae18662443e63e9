-- The latest check of a day counts, for the ledger and for recordings each.
CREATE OR REPLACE TEMP TABLE fresh_check AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY day, room ORDER BY version DESC, tie DESC) AS nth FROM staged_retention_check s
) WHERE nth = 1;
DELETE FROM fresh_check f USING retention_check c WHERE c.day = f.day AND c.room = f.room AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM retention_check c USING fresh_check f WHERE c.day = f.day AND c.room = f.room;
DELETE FROM retention_store c USING fresh_check f WHERE c.day = f.day AND c.room = f.room;
INSERT INTO retention_check BY NAME SELECT * FROM fresh_check;
INSERT INTO retention_store BY NAME
SELECT DISTINCT s.* FROM staged_retention_store s
JOIN fresh_check f ON f.day = s.day AND f.room = s.room AND f.version = s.version AND f.tie = s.tie;
