-- The latest sealed version of a rule is in force; `version` is its instant.
CREATE OR REPLACE TEMP TABLE fresh_rule AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY rule ORDER BY version DESC, tie DESC) AS nth
    FROM staged_rule_version s
) WHERE nth = 1;
DELETE FROM fresh_rule f USING rule_version c WHERE c.rule = f.rule AND (c.version, c.tie) >= (f.version, f.tie);
DELETE FROM rule_version c USING fresh_rule f WHERE c.rule = f.rule;
INSERT INTO rule_version BY NAME SELECT * FROM fresh_rule;
