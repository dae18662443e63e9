-- What was looked for to explain one access, template by template: the nearest contact of the same agent that could
-- have been the reason, and how fresh the source that would bring it is. Identity is not repeated here: `found` is
-- what the verdict rests on.
WITH picked AS (
    SELECT * FROM scoped_access
    WHERE access_hi = $access_hi AND access_lo = $access_lo AND ident_hi IS NOT NULL
),
kind_of AS (
    SELECT template, MIN(priority) AS priority, MAX(contact_kind) AS contact_kind FROM template GROUP BY template
),
own AS (
    -- Contacts of the agent behind the access, and how far each is from it.
    SELECT
        c.contact_hi, c.contact_lo, c.contact_kind, c.label, c.source,
        CASE c.contact_kind
            WHEN 'callback' THEN c.due_at
            WHEN 'call' THEN GREATEST(c.offered_at, c.started_at)
            ELSE GREATEST(c.assigned_at, c.opened_at, c.offered_at)
        END AS nearest_at,
        CASE
            WHEN c.contact_kind = 'callback' THEN c.due_at
            WHEN c.contact_kind = 'call' AND c.ended_at = 0 THEN p.started_at
            WHEN c.contact_kind = 'call' THEN c.ended_at
            WHEN c.closed_at = 0 THEN GREATEST(c.assigned_at, c.opened_at, c.offered_at)
            WHEN c.closed_at > 0 THEN c.closed_at
            ELSE p.started_at
        END AS until_at,
        p.started_at
    FROM picked p
    JOIN leg l ON l.controller = p.controller
    JOIN scoped_contact c ON c.controller = l.controller AND c.contact_hi = l.contact_hi AND c.contact_lo = l.contact_lo
    LEFT JOIN account_span s
        ON s.controller = l.controller AND s.agent_hi = l.agent_hi AND s.agent_lo = l.agent_lo
        AND s.valid_from <= p.started_at AND p.started_at < s.valid_to
    WHERE COALESCE(s.person_hi, l.agent_hi) = p.ident_hi AND COALESCE(s.person_lo, l.agent_lo) = p.ident_lo
),
nearest AS (
    SELECT * FROM (
        SELECT
            o.*,
            CASE
                WHEN o.started_at < o.nearest_at THEN o.started_at - o.nearest_at
                WHEN o.started_at > o.until_at THEN o.started_at - o.until_at
                ELSE 0
            END AS apart_us,
            ROW_NUMBER() OVER (
                PARTITION BY o.contact_kind
                ORDER BY
                    CASE
                        WHEN o.started_at < o.nearest_at THEN o.nearest_at - o.started_at
                        WHEN o.started_at > o.until_at THEN o.started_at - o.until_at
                        ELSE 0
                    END,
                    o.nearest_at DESC, o.contact_hi, o.contact_lo
            ) AS nth
        FROM own o
    ) WHERE nth = 1
),
reason AS (
    SELECT
        v.template, c.label, c.source, v.delta_us, p.started_at - v.delta_us AS anchor_at,
        ROW_NUMBER() OVER (PARTITION BY v.template ORDER BY ABS(v.delta_us), v.key_hi, v.key_lo) AS nth
    FROM picked p
    JOIN scoped_verdict v ON v.access_hi = p.access_hi AND v.access_lo = p.access_lo AND v.started_at = p.started_at
    LEFT JOIN scoped_contact c ON c.contact_hi = v.contact_hi AND c.contact_lo = v.contact_lo
    WHERE v.verdict = 'explained'
),
freshness AS (
    SELECT
        j.controller, j.source, COALESCE(MAX(h.complete_to), 0) AS complete_to,
        COALESCE($as_of - MAX(s.last_at) > MAX(j.silent_after_us), TRUE) AS silent
    FROM judge_source j
    LEFT JOIN heartbeat h ON h.source = j.source
    LEFT JOIN source_state s ON s.source = j.source
    WHERE j.source <> ''
    GROUP BY j.controller, j.source
),
-- The source shown for a template is the one of its contact; without one, the least complete of the controller.
least AS (
    SELECT controller, source, complete_to, silent FROM (
        SELECT f.*, ROW_NUMBER() OVER (PARTITION BY controller ORDER BY complete_to, source) AS nth FROM freshness f
    ) WHERE nth = 1
)
SELECT
    k.template,
    r.template IS NOT NULL AS found,
    COALESCE(r.label, n.label, '') AS contact_label,
    COALESCE(r.anchor_at, n.nearest_at, 0) AS nearest_at,
    CAST(FLOOR(COALESCE(r.delta_us, n.apart_us, 0) / 1000000) AS BIGINT) AS delta_s,
    COALESCE(r.source, n.source, l.source, '') AS source,
    COALESCE(f.complete_to, l.complete_to, 0) AS complete_to,
    COALESCE(f.silent, l.silent, FALSE) AS silent
FROM picked p
CROSS JOIN kind_of k
LEFT JOIN reason r ON r.template = k.template AND r.nth = 1
LEFT JOIN nearest n ON n.contact_kind = k.contact_kind
LEFT JOIN freshness f ON f.controller = p.controller AND f.source = COALESCE(r.source, n.source)
LEFT JOIN least l ON l.controller = p.controller
-- What was found, what is looked for everywhere, and work of the kinds that this controller has.
WHERE r.template IS NOT NULL OR k.template IN ('E1', 'E2', 'E3', 'E6', 'E7', 'E15', 'E18')
    OR (k.contact_kind <> 'call' AND EXISTS (
        SELECT 1 FROM scoped_contact c WHERE c.controller = p.controller AND c.contact_kind = k.contact_kind
    ))
ORDER BY k.priority, k.template
