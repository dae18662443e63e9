-- Accesses of the period, each with who may be named for it: the informed holder of the login in an active
-- establishment, the login itself when no directory names it, nobody when none was told; else it is withheld.
WITH acting AS (
    SELECT
        a.*,
        CASE WHEN a.agent_hi = 0 AND a.agent_lo = 0 THEN a.account_hi ELSE a.agent_hi END AS login_hi,
        CASE WHEN a.agent_hi = 0 AND a.agent_lo = 0 THEN a.account_lo ELSE a.agent_lo END AS login_lo
    FROM rule_access a
    WHERE a.attribution NOT IN ('not_informed', 'dry')
),
gate_active AS (
    SELECT DISTINCT employer, establishment FROM gate_state WHERE module = 'access' AND state = 'active'
),
any_active AS (SELECT COUNT(*) AS establishments FROM gate_active)
SELECT
    a.*,
    s.person_hi, s.person_lo, s.employer, s.establishment, k.agent_hi IS NOT NULL AS known,
    CASE
        WHEN a.login_hi = 0 AND a.login_lo = 0 THEN 'nobody'
        WHEN k.agent_hi IS NULL AND y.establishments > 0 THEN 'login'
        WHEN s.informed_at > 0 AND s.informed_at <= a.started_at AND g.establishment IS NOT NULL THEN 'person'
        ELSE 'withheld'
    END AS held_by
FROM acting a
CROSS JOIN any_active y
LEFT JOIN agent_known k ON k.controller = a.controller AND k.agent_hi = a.login_hi AND k.agent_lo = a.login_lo
LEFT JOIN account_span s
    ON s.controller = a.controller AND s.agent_hi = a.login_hi AND s.agent_lo = a.login_lo
    AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
LEFT JOIN gate_active g ON g.employer = s.employer AND g.establishment = s.establishment
