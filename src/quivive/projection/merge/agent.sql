-- The highest version of a person is current, with its accounts and assignments.
CREATE OR REPLACE TEMP TABLE fresh_agent AS
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY person_hi, person_lo ORDER BY version DESC, tie DESC) AS nth
    FROM staged_agent s
) WHERE nth = 1;
DELETE FROM fresh_agent f USING agent c
WHERE c.person_hi = f.person_hi AND c.person_lo = f.person_lo AND (c.version, c.tie) >= (f.version, f.tie);
INSERT INTO dirty_agent
SELECT c.controller, c.agent_hi, c.agent_lo FROM account c JOIN fresh_agent f
    ON c.person_hi = f.person_hi AND c.person_lo = f.person_lo;
DELETE FROM agent c USING fresh_agent f WHERE c.person_hi = f.person_hi AND c.person_lo = f.person_lo;
DELETE FROM account c USING fresh_agent f WHERE c.person_hi = f.person_hi AND c.person_lo = f.person_lo;
DELETE FROM assignment c USING fresh_agent f WHERE c.person_hi = f.person_hi AND c.person_lo = f.person_lo;
INSERT INTO agent BY NAME SELECT * FROM fresh_agent;
CREATE OR REPLACE TEMP TABLE fresh_account AS
SELECT DISTINCT s.* EXCLUDE (version, tie) FROM staged_account s JOIN fresh_agent f
    ON s.person_hi = f.person_hi AND s.person_lo = f.person_lo AND s.version = f.version AND s.tie = f.tie;
INSERT INTO account BY NAME SELECT * FROM fresh_account;
INSERT INTO dirty_agent SELECT controller, agent_hi, agent_lo FROM fresh_account;
INSERT INTO assignment BY NAME
SELECT DISTINCT s.* EXCLUDE (version, tie) FROM staged_assignment s JOIN fresh_agent f
    ON s.person_hi = f.person_hi AND s.person_lo = f.person_lo AND s.version = f.version AND s.tie = f.tie;
DELETE FROM account_span;
INSERT INTO account_span BY NAME
SELECT
    c.controller, c.agent_hi, c.agent_lo, c.person_hi, c.person_lo, c.valid_from,
    LEAST(
        CASE WHEN c.valid_to = 0 THEN 9223372036854775807 ELSE c.valid_to END,
        COALESCE(
            LEAD(c.valid_from) OVER (
                PARTITION BY c.controller, c.agent_hi, c.agent_lo ORDER BY c.valid_from, c.person_hi, c.person_lo
            ),
            9223372036854775807
        )
    ) AS valid_to,
    p.informed_at, p.team, p.employer, p.establishment
FROM account c JOIN agent p ON p.person_hi = c.person_hi AND p.person_lo = c.person_lo;
DELETE FROM agent_known;
INSERT INTO agent_known BY NAME SELECT DISTINCT controller, agent_hi, agent_lo FROM account;
