-- One set of learned parameters per controller and day: of two, the higher tie, whatever the arrival.
CREATE OR REPLACE TEMP TABLE fresh_learned AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY controller, from_at ORDER BY tie DESC) AS nth
    FROM staged_learned_set s
) WHERE nth = 1;
DELETE FROM fresh_learned f USING learned_set c
WHERE c.controller = f.controller AND c.from_at = f.from_at AND c.tie >= f.tie;
DELETE FROM learned_set c USING fresh_learned f WHERE c.controller = f.controller AND c.from_at = f.from_at;
DELETE FROM learned_window c USING fresh_learned f WHERE c.controller = f.controller AND c.from_at = f.from_at;
DELETE FROM learned_skew c USING fresh_learned f WHERE c.controller = f.controller AND c.from_at = f.from_at;
INSERT INTO learned_set BY NAME SELECT * FROM fresh_learned;
INSERT INTO learned_window BY NAME
SELECT DISTINCT s.* EXCLUDE (tie) FROM staged_learned_window s JOIN fresh_learned f
    ON s.controller = f.controller AND s.from_at = f.from_at AND s.tie = f.tie;
INSERT INTO learned_skew BY NAME
SELECT DISTINCT s.* EXCLUDE (tie) FROM staged_learned_skew s JOIN fresh_learned f
    ON s.controller = f.controller AND s.from_at = f.from_at AND s.tie = f.tie;
