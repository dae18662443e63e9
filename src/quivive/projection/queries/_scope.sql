-- Relations every query may name; each carries the scope and the gate. `query()` prepends those a text uses.
-- {sealed_…} become the sealed files of the scope's controllers and days, or an empty relation.

-- fragment: gate_active
SELECT DISTINCT employer, establishment FROM gate_state WHERE module = 'access' AND state = 'active'

-- fragment: all_access
SELECT {access_columns} FROM access
WHERE list_contains($controllers, controller) AND started_at >= $from_at AND started_at < $to_at
{sealed_access}

-- fragment: scoped_access
SELECT
    a.*,
    -- Shown only when the holder was informed before the access and the holder's establishment is active (DESIGN 11).
    CASE
        WHEN a.agent_hi = 0 AND a.agent_lo = 0 THEN NULL
        WHEN k.agent_hi IS NULL AND EXISTS (SELECT 1 FROM gate_active) THEN a.agent_hi
        WHEN s.informed_at > 0 AND s.informed_at <= a.started_at AND g.establishment IS NOT NULL THEN s.person_hi
    END AS ident_hi,
    CASE
        WHEN a.agent_hi = 0 AND a.agent_lo = 0 THEN NULL
        WHEN k.agent_hi IS NULL AND EXISTS (SELECT 1 FROM gate_active) THEN a.agent_lo
        WHEN s.informed_at > 0 AND s.informed_at <= a.started_at AND g.establishment IS NOT NULL THEN s.person_lo
    END AS ident_lo
FROM all_access a
LEFT JOIN agent_known k ON k.controller = a.controller AND k.agent_hi = a.agent_hi AND k.agent_lo = a.agent_lo
LEFT JOIN account_span s
    ON s.controller = a.controller AND s.agent_hi = a.agent_hi AND s.agent_lo = a.agent_lo
    AND s.valid_from <= a.started_at AND a.started_at < s.valid_to
LEFT JOIN gate_active g ON g.employer = s.employer AND g.establishment = s.establishment

-- fragment: scoped_exposure
SELECT {exposure_columns} FROM exposure
WHERE list_contains($controllers, controller) AND started_at >= $from_at AND started_at < $to_at
{sealed_exposure}

-- fragment: told_twice
-- What second sources tell of the same databases: compared, never judged or counted (ADR 0009).
SELECT {second_access_columns} FROM second_access
WHERE list_contains($controllers, controller) AND started_at >= $from_at AND started_at < $to_at
{sealed_second_access}

-- fragment: told_twice_key
SELECT {second_exposure_columns} FROM second_exposure
WHERE list_contains($controllers, controller) AND started_at >= $from_at AND started_at < $to_at
{sealed_second_exposure}

-- fragment: scoped_verdict
SELECT {verdict_columns} FROM verdict_current
WHERE list_contains($controllers, controller) AND started_at >= $from_at AND started_at < $to_at
{sealed_verdict}

-- fragment: scoped_revision
-- What was concluded before and is no longer: the hot days' earlier revisions.
SELECT * FROM verdict
WHERE list_contains($controllers, controller) AND started_at >= $from_at AND started_at < $to_at

-- fragment: scoped_contact
SELECT * FROM contact WHERE list_contains($controllers, controller)

-- fragment: scoped_link
SELECT * FROM link WHERE list_contains($controllers, controller)

-- fragment: scoped_assignment
SELECT * FROM assignment WHERE list_contains($controllers, controller)

-- fragment: scoped_alert
SELECT
    a.* REPLACE (
        CASE WHEN a.ident_hi = 0 AND a.ident_lo = 0 THEN NULL ELSE a.ident_hi END AS ident_hi,
        CASE WHEN a.ident_hi = 0 AND a.ident_lo = 0 THEN NULL ELSE a.ident_lo END AS ident_lo
    )
FROM alert a
LEFT JOIN agent p ON p.person_hi = a.ident_hi AND p.person_lo = a.ident_lo
LEFT JOIN gate_active g ON g.employer = p.employer AND g.establishment = p.establishment
WHERE list_contains($controllers, a.controller) AND a.opened_at >= $from_at AND a.opened_at < $to_at
    AND (g.establishment IS NOT NULL OR (p.person_hi IS NULL AND EXISTS (SELECT 1 FROM gate_active)))

-- fragment: alert_state
-- The state of each alert: its latest change of state; a review stands above later evidence.
SELECT alert_hi, alert_lo, state, outcome, changed_at FROM (
    SELECT
        c.*,
        ROW_NUMBER() OVER (
            PARTITION BY alert_hi, alert_lo
            ORDER BY CASE WHEN state = 'reviewed' THEN 1 ELSE 0 END DESC, changed_at DESC, tie DESC
        ) AS nth
    FROM alert_change c WHERE NOT is_hit
) WHERE nth = 1
