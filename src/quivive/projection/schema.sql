-- Tables of hot.duckdb (ADR 0006). Derived from ledger entries: never migrated, deleted and rebuilt.
-- 16-byte keys are two UBIGINT columns, _hi and _lo, both 0 for none. Instants are integer microseconds UTC, 0 when absent.
-- `tie` is a hash of the entry body: it orders two versions with the same number, whatever the arrival. `noted_at` is the
-- entry's own instant: its retention runs from there. `noted_at` is the
-- entry's own instant: its retention runs from there. `noted_at` is the
-- entry's own instant: its retention runs from there.

CREATE TABLE IF NOT EXISTS meta (name VARCHAR NOT NULL, setting VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS watermark (shard VARCHAR NOT NULL, next_index BIGINT NOT NULL);

CREATE TABLE IF NOT EXISTS sealed_set (controller VARCHAR NOT NULL, day VARCHAR NOT NULL, number INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS access (
    access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL,
    started_at BIGINT NOT NULL, ended_at BIGINT NOT NULL,
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, grade VARCHAR NOT NULL,
    agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL, contact_hi UBIGINT NOT NULL, contact_lo UBIGINT NOT NULL,
    attribution VARCHAR NOT NULL, "action" VARCHAR NOT NULL, shape VARCHAR NOT NULL,
    tables VARCHAR NOT NULL, columns VARCHAR NOT NULL, changed VARCHAR NOT NULL,
    coverage VARCHAR NOT NULL, row_count BIGINT NOT NULL, distinct_count BIGINT NOT NULL,
    outcome VARCHAR NOT NULL, pattern_class VARCHAR NOT NULL, fixed_chars INTEGER NOT NULL,
    account_hi UBIGINT NOT NULL, account_lo UBIGINT NOT NULL, session_hi UBIGINT NOT NULL, session_lo UBIGINT NOT NULL,
    zone VARCHAR NOT NULL, workstation_hi UBIGINT NOT NULL, workstation_lo UBIGINT NOT NULL, program VARCHAR NOT NULL,
    final BOOLEAN NOT NULL, part INTEGER NOT NULL, tie UBIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS exposure (
    access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL, started_at BIGINT NOT NULL,
    controller VARCHAR NOT NULL, key_hi UBIGINT NOT NULL, key_lo UBIGINT NOT NULL,
    record_table VARCHAR NOT NULL
);
-- Neighbourhoods of the integer keys that an access showed, over all its parts (enumeration).
CREATE TABLE IF NOT EXISTS access_neighbourhood (
    access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL, started_at BIGINT NOT NULL,
    controller VARCHAR NOT NULL, neighbourhood UBIGINT NOT NULL
);
-- What a second source of the same database tells (entries `access.second`): read by reconciliation alone (ADR 0009).
CREATE TABLE IF NOT EXISTS second_access (
    access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL, started_at BIGINT NOT NULL, ended_at BIGINT NOT NULL,
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL,
    "action" VARCHAR NOT NULL, tables VARCHAR NOT NULL, coverage VARCHAR NOT NULL, row_count BIGINT NOT NULL,
    outcome VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS second_exposure (
    access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL, started_at BIGINT NOT NULL,
    controller VARCHAR NOT NULL, key_hi UBIGINT NOT NULL, key_lo UBIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS contact (
    contact_hi UBIGINT NOT NULL, contact_lo UBIGINT NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, contact_kind VARCHAR NOT NULL,
    direction VARCHAR NOT NULL, label VARCHAR NOT NULL, team VARCHAR NOT NULL, campaign VARCHAR NOT NULL,
    queue VARCHAR NOT NULL, self_made BOOLEAN NOT NULL,
    preview_at BIGINT NOT NULL, offered_at BIGINT NOT NULL, started_at BIGINT NOT NULL, ended_at BIGINT NOT NULL,
    wrapped_at BIGINT NOT NULL, opened_at BIGINT NOT NULL, assigned_at BIGINT NOT NULL, touched_at BIGINT NOT NULL,
    closed_at BIGINT NOT NULL, due_at BIGINT NOT NULL,
    account_hi UBIGINT NOT NULL, account_lo UBIGINT NOT NULL, consented BOOLEAN NOT NULL,
    consent_expires_at BIGINT NOT NULL,
    noted_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS leg (
    contact_hi UBIGINT NOT NULL, contact_lo UBIGINT NOT NULL, controller VARCHAR NOT NULL,
    agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL, from_at BIGINT NOT NULL, to_at BIGINT NOT NULL,
    leg_role VARCHAR NOT NULL, is_first BOOLEAN NOT NULL, is_last BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS contact_subject (
    contact_hi UBIGINT NOT NULL, contact_lo UBIGINT NOT NULL, controller VARCHAR NOT NULL,
    identity_kind VARCHAR NOT NULL, key_hi UBIGINT NOT NULL, key_lo UBIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS contact_touch (
    contact_hi UBIGINT NOT NULL, contact_lo UBIGINT NOT NULL, touched_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS link (
    controller VARCHAR NOT NULL, left_hi UBIGINT NOT NULL, left_lo UBIGINT NOT NULL, left_kind VARCHAR NOT NULL,
    right_hi UBIGINT NOT NULL, right_lo UBIGINT NOT NULL, right_table VARCHAR NOT NULL, first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS agent (
    person_hi UBIGINT NOT NULL, person_lo UBIGINT NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL,
    employer VARCHAR NOT NULL, establishment VARCHAR NOT NULL, country VARCHAR NOT NULL, site VARCHAR NOT NULL,
    team VARCHAR NOT NULL, informed_at BIGINT NOT NULL, active_from BIGINT NOT NULL, active_to BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS account (
    person_hi UBIGINT NOT NULL, person_lo UBIGINT NOT NULL, controller VARCHAR NOT NULL, namespace VARCHAR NOT NULL,
    agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL, valid_from BIGINT NOT NULL, valid_to BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS assignment (
    person_hi UBIGINT NOT NULL, person_lo UBIGINT NOT NULL, controller VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS shift (
    shift VARCHAR NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL, person_hi UBIGINT NOT NULL,
    person_lo UBIGINT NOT NULL, from_at BIGINT NOT NULL, to_at BIGINT NOT NULL, cancelled BOOLEAN NOT NULL,
    noted_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS gate_state (
    employer VARCHAR NOT NULL, establishment VARCHAR NOT NULL, module VARCHAR NOT NULL, version BIGINT NOT NULL,
    tie UBIGINT NOT NULL, state VARCHAR NOT NULL, reference VARCHAR NOT NULL, demonstration BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS gate_history (
    employer VARCHAR NOT NULL, establishment VARCHAR NOT NULL, module VARCHAR NOT NULL, sealed_at BIGINT NOT NULL,
    tie UBIGINT NOT NULL, state VARCHAR NOT NULL, reference VARCHAR NOT NULL, demonstration BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS gate_record (
    employer VARCHAR NOT NULL, establishment VARCHAR NOT NULL, module VARCHAR NOT NULL, record VARCHAR NOT NULL,
    dated_at BIGINT NOT NULL, recorded_at BIGINT NOT NULL, tie UBIGINT NOT NULL, reference VARCHAR NOT NULL,
    text_sha256 VARCHAR NOT NULL, purposes VARCHAR NOT NULL, rules VARCHAR NOT NULL, demonstration BOOLEAN NOT NULL
);
-- What needs two persons (entries `approval`): the latest version of each.
CREATE TABLE IF NOT EXISTS approval (
    approval_hi UBIGINT NOT NULL, approval_lo UBIGINT NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, act VARCHAR NOT NULL, object VARCHAR NOT NULL, digest VARCHAR NOT NULL,
    reference VARCHAR NOT NULL, state VARCHAR NOT NULL, proposed_by VARCHAR NOT NULL, proposed_role VARCHAR NOT NULL,
    proposed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, valid_us BIGINT NOT NULL, decided_by VARCHAR NOT NULL,
    decided_role VARCHAR NOT NULL, decided_at BIGINT NOT NULL, done_at BIGINT NOT NULL
);
-- Registers that people keep (entries `register.row`): the latest version of each line.
CREATE TABLE IF NOT EXISTS register_row (
    register VARCHAR NOT NULL, controller VARCHAR NOT NULL, reference VARCHAR NOT NULL, version BIGINT NOT NULL,
    tie UBIGINT NOT NULL, label VARCHAR NOT NULL, country VARCHAR NOT NULL, from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL, due_at BIGINT NOT NULL, state VARCHAR NOT NULL, removed BOOLEAN NOT NULL
);
-- Reviewers' attestations (entries `attestation`): the latest of each reviewer, company and day.
CREATE TABLE IF NOT EXISTS attestation (
    controller VARCHAR NOT NULL, day VARCHAR NOT NULL, principal VARCHAR NOT NULL, attested_at BIGINT NOT NULL,
    tie UBIGINT NOT NULL, role VARCHAR NOT NULL, open_alerts BIGINT NOT NULL, closed_alerts BIGINT NOT NULL,
    overdue_alerts BIGINT NOT NULL
);
-- Cases (entries of the console): `body` is the entry's own JSON, folded by `quivive.cases.view`.
CREATE TABLE IF NOT EXISTS case_file (
    case_hi UBIGINT NOT NULL, case_lo UBIGINT NOT NULL, opened_at BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, ident_hi UBIGINT NOT NULL, ident_lo UBIGINT NOT NULL,
    alert_hi UBIGINT NOT NULL, alert_lo UBIGINT NOT NULL, body VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS case_step (
    case_hi UBIGINT NOT NULL, case_lo UBIGINT NOT NULL, step_hi UBIGINT NOT NULL, step_lo UBIGINT NOT NULL,
    taken_at BIGINT NOT NULL, tie UBIGINT NOT NULL, controller VARCHAR NOT NULL, step_kind VARCHAR NOT NULL,
    until_at BIGINT NOT NULL, outcome VARCHAR NOT NULL, body VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS gap (
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, from_at BIGINT NOT NULL, to_at BIGINT NOT NULL,
    cause VARCHAR NOT NULL, lost BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS heartbeat (
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, complete_to BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS source_state (
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, last_at BIGINT NOT NULL, entries BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS statement_count (
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, entry VARCHAR NOT NULL, minute_at BIGINT NOT NULL,
    shape VARCHAR NOT NULL, "action" VARCHAR NOT NULL, tables VARCHAR NOT NULL, coverage VARCHAR NOT NULL,
    statements BIGINT NOT NULL, statements_attributed BIGINT NOT NULL, row_count BIGINT NOT NULL,
    wildcards BIGINT NOT NULL, dry BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS act (
    entry VARCHAR NOT NULL, acted_at BIGINT NOT NULL, act VARCHAR NOT NULL, principal VARCHAR NOT NULL,
    role VARCHAR NOT NULL, controllers VARCHAR NOT NULL, object VARCHAR NOT NULL, count BIGINT NOT NULL,
    purpose VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS catalogue_version (
    controller VARCHAR NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS catalogue_table (
    controller VARCHAR NOT NULL, record_table VARCHAR NOT NULL, table_kind VARCHAR NOT NULL
);

-- Written by detection. `verdict_current` is the head of each unit, pending and not-applicable ones included;
-- `verdict` only grows: the revisions that a later one took the place of. A unit whose key is 0/0 is an access judged as a whole.
CREATE TABLE IF NOT EXISTS verdict (
    access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL, started_at BIGINT NOT NULL, controller VARCHAR NOT NULL,
    key_hi UBIGINT NOT NULL, key_lo UBIGINT NOT NULL, revision INTEGER NOT NULL, decided_at BIGINT NOT NULL,
    verdict VARCHAR NOT NULL, strength VARCHAR NOT NULL, template VARCHAR NOT NULL, cause VARCHAR NOT NULL,
    contact_hi UBIGINT NOT NULL, contact_lo UBIGINT NOT NULL, delta_us BIGINT NOT NULL, subject_rank INTEGER NOT NULL,
    final BOOLEAN NOT NULL, late BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS verdict_current (
    access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL, started_at BIGINT NOT NULL, controller VARCHAR NOT NULL,
    key_hi UBIGINT NOT NULL, key_lo UBIGINT NOT NULL, revision INTEGER NOT NULL, decided_at BIGINT NOT NULL,
    verdict VARCHAR NOT NULL, strength VARCHAR NOT NULL, template VARCHAR NOT NULL, cause VARCHAR NOT NULL,
    contact_hi UBIGINT NOT NULL, contact_lo UBIGINT NOT NULL, delta_us BIGINT NOT NULL, subject_rank INTEGER NOT NULL,
    final BOOLEAN NOT NULL, late BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS template (
    template VARCHAR NOT NULL, shape VARCHAR NOT NULL, contact_kind VARCHAR NOT NULL, leg_role VARCHAR NOT NULL,
    place VARCHAR NOT NULL, begins VARCHAR NOT NULL, ends VARCHAR NOT NULL, priority INTEGER NOT NULL,
    strength VARCHAR NOT NULL, strength_else VARCHAR NOT NULL, before_us BIGINT NOT NULL, after_us BIGINT NOT NULL,
    max_us BIGINT NOT NULL, near_us BIGINT NOT NULL, cap INTEGER NOT NULL
);
-- What was learned from explained days and published (entries `parameters`): a set counts from its day on.
CREATE TABLE IF NOT EXISTS learned_set (controller VARCHAR NOT NULL, from_at BIGINT NOT NULL, tie UBIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS learned_window (
    controller VARCHAR NOT NULL, from_at BIGINT NOT NULL, queue VARCHAR NOT NULL, template VARCHAR NOT NULL,
    before_us BIGINT NOT NULL, after_us BIGINT NOT NULL, cap INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS learned_skew (
    controller VARCHAR NOT NULL, from_at BIGINT NOT NULL, source VARCHAR NOT NULL, skew_us BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS judge_source (
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, lateness_us BIGINT NOT NULL, silent_after_us BIGINT NOT NULL
);

-- Sealed days that late evidence touched, by their first instant: a nightly replay judges them again.
CREATE TABLE IF NOT EXISTS late_day (day_at BIGINT NOT NULL);
-- What arrived since the last live judgement. Emptied by detection in the transaction that judged it.
CREATE TABLE IF NOT EXISTS dirty_access (access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL, started_at BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS dirty_contact (contact_hi UBIGINT NOT NULL, contact_lo UBIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS dirty_key (controller VARCHAR NOT NULL, key_hi UBIGINT NOT NULL, key_lo UBIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS dirty_agent (controller VARCHAR NOT NULL, agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL);

-- Alerts, incidents, switches, canaries and the agent's word (entries of detection). `facts`, `freshness` and
-- `left_out` are the entry's own JSON; `accesses` and `would_explain` are lists joined by commas.
CREATE TABLE IF NOT EXISTS alert (
    alert_hi UBIGINT NOT NULL, alert_lo UBIGINT NOT NULL, opened_at BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, ident_hi UBIGINT NOT NULL, ident_lo UBIGINT NOT NULL, topic VARCHAR NOT NULL,
    origin VARCHAR NOT NULL, severity VARCHAR NOT NULL, freshness VARCHAR NOT NULL, would_explain VARCHAR NOT NULL,
    from_at BIGINT NOT NULL, to_at BIGINT NOT NULL, day VARCHAR NOT NULL, accesses VARCHAR NOT NULL,
    facts VARCHAR NOT NULL, p_milli BIGINT NOT NULL, rule_version VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS alert_access (
    alert_hi UBIGINT NOT NULL, alert_lo UBIGINT NOT NULL, changed_at BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL, place BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS alert_change (
    alert_hi UBIGINT NOT NULL, alert_lo UBIGINT NOT NULL, changed_at BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, state VARCHAR NOT NULL, outcome VARCHAR NOT NULL, principal VARCHAR NOT NULL,
    is_hit BOOLEAN NOT NULL, from_at BIGINT NOT NULL, to_at BIGINT NOT NULL, day VARCHAR NOT NULL,
    accesses VARCHAR NOT NULL, facts VARCHAR NOT NULL, p_milli BIGINT NOT NULL, rule_version VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS alert_digest (
    controller VARCHAR NOT NULL, day VARCHAR NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL,
    budget BIGINT NOT NULL, opened BIGINT NOT NULL, joined BIGINT NOT NULL, audited BIGINT NOT NULL,
    left_out VARCHAR NOT NULL, audit_seed VARCHAR NOT NULL, drift VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS incident (
    incident_hi UBIGINT NOT NULL, incident_lo UBIGINT NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, incident_kind VARCHAR NOT NULL, source VARCHAR NOT NULL, from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL, suppressed BIGINT NOT NULL, facts VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS switch_state (
    switch VARCHAR NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL, is_on BOOLEAN NOT NULL,
    reference VARCHAR NOT NULL, demonstration BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS canary (
    controller VARCHAR NOT NULL, key_hi UBIGINT NOT NULL, key_lo UBIGINT NOT NULL, version BIGINT NOT NULL,
    tie UBIGINT NOT NULL, removed BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS canary_contact (
    controller VARCHAR NOT NULL, key_hi UBIGINT NOT NULL, key_lo UBIGINT NOT NULL,
    contact_key_hi UBIGINT NOT NULL, contact_key_lo UBIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS agent_question (
    question_hi UBIGINT NOT NULL, question_lo UBIGINT NOT NULL, tie UBIGINT NOT NULL, controller VARCHAR NOT NULL,
    ident_hi UBIGINT NOT NULL, ident_lo UBIGINT NOT NULL, access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL,
    record_table VARCHAR NOT NULL, accessed_at BIGINT NOT NULL, call_before_at BIGINT NOT NULL,
    call_after_at BIGINT NOT NULL, asked_at BIGINT NOT NULL, answer_until BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS agent_word (
    question_hi UBIGINT NOT NULL, question_lo UBIGINT NOT NULL, answered_at BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, ident_hi UBIGINT NOT NULL, ident_lo UBIGINT NOT NULL,
    access_hi UBIGINT NOT NULL, access_lo UBIGINT NOT NULL, category VARCHAR NOT NULL
);

-- Who holds an account when: a recycled login inherits nothing, so a later holder ends the earlier one's span.
-- Kept by `merge/agent.sql`: the judge asks several times a second.
CREATE TABLE IF NOT EXISTS account_span (
    controller VARCHAR NOT NULL, agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL, person_hi UBIGINT NOT NULL,
    person_lo UBIGINT NOT NULL, valid_from BIGINT NOT NULL, valid_to BIGINT NOT NULL, informed_at BIGINT NOT NULL,
    team VARCHAR NOT NULL, employer VARCHAR NOT NULL, establishment VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS agent_known (
    controller VARCHAR NOT NULL, agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL
);
