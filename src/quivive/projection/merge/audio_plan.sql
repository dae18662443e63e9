-- A part of a plan is written once; told twice, the first one stands, with its items.
CREATE OR REPLACE TEMP TABLE fresh_plan AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY plan_hi, plan_lo, part ORDER BY tie) AS nth FROM staged_audio_plan s
) WHERE nth = 1;
DELETE FROM fresh_plan f USING audio_plan c
WHERE c.plan_hi = f.plan_hi AND c.plan_lo = f.plan_lo AND c.part = f.part;
INSERT INTO audio_plan BY NAME SELECT * FROM fresh_plan;
INSERT INTO audio_plan_item BY NAME
SELECT DISTINCT s.* EXCLUDE (tie) FROM staged_audio_plan_item s JOIN fresh_plan f
    ON s.plan_hi = f.plan_hi AND s.plan_lo = f.plan_lo AND s.part = f.part AND s.tie = f.tie;
