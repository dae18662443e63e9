-- The latest sealed configuration is in force: its zones, sensitive columns and kinds of sources.
CREATE OR REPLACE TEMP TABLE fresh_configuration AS
SELECT version, tie FROM staged_configuration ORDER BY version DESC, tie DESC LIMIT 1;
DELETE FROM fresh_configuration f USING configuration c WHERE (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM configuration WHERE EXISTS (SELECT 1 FROM fresh_configuration);
DELETE FROM zone WHERE EXISTS (SELECT 1 FROM fresh_configuration);
DELETE FROM sensitive_column WHERE EXISTS (SELECT 1 FROM fresh_configuration);
DELETE FROM configured_source WHERE EXISTS (SELECT 1 FROM fresh_configuration);
INSERT INTO configuration BY NAME SELECT * FROM fresh_configuration;
INSERT INTO zone BY NAME
SELECT DISTINCT s.* EXCLUDE (version, tie) FROM staged_zone s JOIN fresh_configuration f
    ON s.version = f.version AND s.tie = f.tie;
INSERT INTO sensitive_column BY NAME
SELECT DISTINCT s.* EXCLUDE (version, tie) FROM staged_sensitive_column s JOIN fresh_configuration f
    ON s.version = f.version AND s.tie = f.tie;
INSERT INTO configured_source BY NAME
SELECT DISTINCT s.* EXCLUDE (version, tie) FROM staged_configured_source s JOIN fresh_configuration f
    ON s.version = f.version AND s.tie = f.tie;
