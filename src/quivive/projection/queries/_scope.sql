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
-- The state of each alert: its latest change of state; a review stands above later evidence. A muted alert is open
-- again by itself once it grew: half as many hits again as when it was muted, the same agent and topic at another
-- company since, or thirty days.
SELECT
    l.alert_hi, l.alert_lo, l.outcome, l.changed_at,
    CASE
        WHEN l.state <> 'muted' THEN l.state
        WHEN $as_of >= l.changed_at + 2592000000000 THEN 'open'
        WHEN COALESCE(h.since, 0) > 0 AND 2 * h.since >= 1 + h.until_then THEN 'open'
        WHEN EXISTS (
            SELECT 1 FROM alert mine JOIN alert other
                ON other.ident_hi = mine.ident_hi AND other.ident_lo = mine.ident_lo AND other.topic = mine.topic
                AND other.controller <> mine.controller
            WHERE mine.alert_hi = l.alert_hi AND mine.alert_lo = l.alert_lo AND other.opened_at > l.changed_at
                AND (mine.ident_hi <> 0 OR mine.ident_lo <> 0)
        ) THEN 'open'
        ELSE 'muted'
    END AS state
FROM (
    SELECT
        c.*,
        ROW_NUMBER() OVER (
            PARTITION BY alert_hi, alert_lo
            ORDER BY CASE WHEN state = 'reviewed' THEN 1 ELSE 0 END DESC, changed_at DESC, tie DESC
        ) AS nth
    FROM alert_change c WHERE NOT is_hit
) l
LEFT JOIN (
    SELECT
        c.alert_hi, c.alert_lo, m.tie,
        COUNT(CASE WHEN c.changed_at > m.changed_at THEN 1 END) AS since,
        COUNT(CASE WHEN c.changed_at <= m.changed_at THEN 1 END) AS until_then
    FROM alert_change c JOIN alert_change m
        ON m.alert_hi = c.alert_hi AND m.alert_lo = c.alert_lo AND m.state = 'muted' AND NOT m.is_hit
    WHERE c.is_hit
    GROUP BY c.alert_hi, c.alert_lo, m.tie
) h ON h.alert_hi = l.alert_hi AND h.alert_lo = l.alert_lo AND h.tie = l.tie
WHERE l.nth = 1

-- fragment: gate_recordings
-- Establishments whose recordings module is active: only there is anybody named, by a neutral code.
SELECT DISTINCT employer, establishment FROM gate_state WHERE module = 'recordings' AND state = 'active'

-- fragment: heard_account
-- Who held an account when, where the recordings module is active.
SELECT s.* FROM account_span s
JOIN gate_recordings g ON g.employer = s.employer AND g.establishment = s.establishment

-- fragment: call_answer
-- What the gate said of each call: a yes if there was one, else its first no.
SELECT * EXCLUDE (nth) FROM (
    SELECT
        a.*,
        ROW_NUMBER() OVER (
            PARTITION BY controller, contact_hi, contact_lo, medium
            ORDER BY CASE WHEN allowed THEN 0 ELSE 1 END, asked_at, answer_hi, answer_lo
        ) AS nth
    FROM recording_answer a
    WHERE list_contains($controllers, controller) AND (contact_hi <> 0 OR contact_lo <> 0)
) WHERE nth = 1

-- fragment: recorded_leg
-- A switch records the caller's channel and names no agent: then it is whoever spoke in that call at that time.
SELECT * EXCLUDE (nth) FROM (
    SELECT
        r.recording_hi, r.recording_lo, l.agent_hi, l.agent_lo,
        ROW_NUMBER() OVER (
            PARTITION BY r.recording_hi, r.recording_lo ORDER BY l.from_at, l.agent_hi, l.agent_lo
        ) AS nth
    FROM recording r
    JOIN leg l ON l.controller = r.controller AND l.contact_hi = r.contact_hi AND l.contact_lo = r.contact_lo
    WHERE list_contains($controllers, r.controller)
        AND r.agent_hi = 0 AND r.agent_lo = 0 AND l.leg_role = 'agent' AND (l.agent_hi <> 0 OR l.agent_lo <> 0)
        AND (l.to_at = 0 OR l.to_at > r.started_at) AND (r.ended_at = 0 OR l.from_at < r.ended_at)
) WHERE nth = 1

-- fragment: scoped_recording
SELECT
    r.*,
    CASE WHEN r.started_at > 0 THEN r.started_at ELSE r.ended_at END AS at,
    CASE WHEN r.campaign <> '' THEN r.campaign ELSE COALESCE(a.campaign, '') END AS of_campaign,
    COALESCE(a.reason, '') AS gate_reason,
    COALESCE(a.allowed, FALSE) AS gate_allowed,
    h.person_hi AS ident_hi,
    h.person_lo AS ident_lo
FROM recording r
LEFT JOIN call_answer a
    ON a.controller = r.controller AND a.contact_hi = r.contact_hi AND a.contact_lo = r.contact_lo
    AND a.medium = 'recording'
LEFT JOIN recorded_leg k ON k.recording_hi = r.recording_hi AND k.recording_lo = r.recording_lo
LEFT JOIN heard_account h
    ON h.controller = r.controller AND h.agent_hi = COALESCE(k.agent_hi, r.agent_hi)
    AND h.agent_lo = COALESCE(k.agent_lo, r.agent_lo)
    AND h.valid_from <= CASE WHEN r.started_at > 0 THEN r.started_at ELSE r.ended_at END
    AND CASE WHEN r.started_at > 0 THEN r.started_at ELSE r.ended_at END < h.valid_to
WHERE list_contains($controllers, r.controller)
    AND CASE WHEN r.started_at > 0 THEN r.started_at ELSE r.ended_at END >= $from_at
    AND CASE WHEN r.started_at > 0 THEN r.started_at ELSE r.ended_at END < $to_at

-- fragment: scoped_listening
-- `ident` is who was heard: told by the source, or the agent of the recording that was played.
SELECT
    l.*,
    CASE WHEN l.started_at > 0 THEN l.started_at ELSE l.ended_at END AS at,
    CASE WHEN l.campaign <> '' THEN l.campaign ELSE COALESCE(a.campaign, '') END AS of_campaign,
    COALESCE(h.person_hi, p.person_hi) AS ident_hi,
    COALESCE(h.person_lo, p.person_lo) AS ident_lo
FROM listening l
LEFT JOIN recording r
    ON r.controller = l.controller AND (l.recording_hi <> 0 OR l.recording_lo <> 0)
    AND ((r.recording_hi = l.recording_hi AND r.recording_lo = l.recording_lo)
        OR (r.location_hi = l.recording_hi AND r.location_lo = l.recording_lo))
LEFT JOIN call_answer a
    ON a.controller = l.controller AND a.contact_hi = l.contact_hi AND a.contact_lo = l.contact_lo
    AND a.medium = 'listening'
LEFT JOIN heard_account h
    ON h.controller = l.controller AND h.agent_hi = l.agent_hi AND h.agent_lo = l.agent_lo
    AND h.valid_from <= CASE WHEN l.started_at > 0 THEN l.started_at ELSE l.ended_at END
    AND CASE WHEN l.started_at > 0 THEN l.started_at ELSE l.ended_at END < h.valid_to
LEFT JOIN heard_account p
    ON p.controller = r.controller AND p.agent_hi = r.agent_hi AND p.agent_lo = r.agent_lo
    AND p.valid_from <= r.started_at AND r.started_at < p.valid_to
WHERE list_contains($controllers, l.controller)
    AND CASE WHEN l.started_at > 0 THEN l.started_at ELSE l.ended_at END >= $from_at
    AND CASE WHEN l.started_at > 0 THEN l.started_at ELSE l.ended_at END < $to_at
