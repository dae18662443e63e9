-- What the gate answered and what happened: answers, recordings, listening, objections, non-conformities, seeds of draws.
-- `noted_at` is the instant of the row's own entry: the day with which it is forgotten. `segments` is the entry's own JSON; `listener` of an answer is an AgentKey or "". Loaded after `schema.sql`.
CREATE TABLE IF NOT EXISTS recording_answer (
    answer_hi UBIGINT NOT NULL, answer_lo UBIGINT NOT NULL, tie UBIGINT NOT NULL, controller VARCHAR NOT NULL,
    source VARCHAR NOT NULL, medium VARCHAR NOT NULL, allowed BOOLEAN NOT NULL, reason VARCHAR NOT NULL,
    campaign VARCHAR NOT NULL, campaign_version BIGINT NOT NULL, contact_hi UBIGINT NOT NULL,
    contact_lo UBIGINT NOT NULL, agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL, person_hi UBIGINT NOT NULL,
    person_lo UBIGINT NOT NULL, listener VARCHAR NOT NULL, asked_at BIGINT NOT NULL, policy_at BIGINT NOT NULL,
    draw BIGINT NOT NULL, day VARCHAR NOT NULL, noted_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS recording (
    recording_hi UBIGINT NOT NULL, recording_lo UBIGINT NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, campaign VARCHAR NOT NULL, campaign_version BIGINT NOT NULL,
    purpose VARCHAR NOT NULL, answer_hi UBIGINT NOT NULL, answer_lo UBIGINT NOT NULL, contact_hi UBIGINT NOT NULL,
    contact_lo UBIGINT NOT NULL, agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL, person_hi UBIGINT NOT NULL,
    person_lo UBIGINT NOT NULL, queue VARCHAR NOT NULL, started_at BIGINT NOT NULL, ended_at BIGINT NOT NULL,
    call_ended_at BIGINT NOT NULL, segments VARCHAR NOT NULL, announced BOOLEAN NOT NULL,
    location_hi UBIGINT NOT NULL, location_lo UBIGINT NOT NULL, noted_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS listening (
    listening_hi UBIGINT NOT NULL, listening_lo UBIGINT NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, source VARCHAR NOT NULL, listening_kind VARCHAR NOT NULL, campaign VARCHAR NOT NULL,
    campaign_version BIGINT NOT NULL, purpose VARCHAR NOT NULL, reason VARCHAR NOT NULL,
    recording_hi UBIGINT NOT NULL, recording_lo UBIGINT NOT NULL, contact_hi UBIGINT NOT NULL,
    contact_lo UBIGINT NOT NULL, agent_hi UBIGINT NOT NULL, agent_lo UBIGINT NOT NULL, person_hi UBIGINT NOT NULL,
    person_lo UBIGINT NOT NULL, listener_hi UBIGINT NOT NULL, listener_lo UBIGINT NOT NULL,
    listener_person_hi UBIGINT NOT NULL, listener_person_lo UBIGINT NOT NULL, principal VARCHAR NOT NULL,
    started_at BIGINT NOT NULL, ended_at BIGINT NOT NULL, heard_ms BIGINT NOT NULL, case_id VARCHAR NOT NULL,
    noted_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS nonconformity (
    nonconformity_hi UBIGINT NOT NULL, nonconformity_lo UBIGINT NOT NULL, version BIGINT NOT NULL,
    tie UBIGINT NOT NULL, controller VARCHAR NOT NULL, nonconformity_kind VARCHAR NOT NULL, medium VARCHAR NOT NULL,
    campaign VARCHAR NOT NULL, recording_hi UBIGINT NOT NULL, recording_lo UBIGINT NOT NULL,
    listening_hi UBIGINT NOT NULL, listening_lo UBIGINT NOT NULL, contact_hi UBIGINT NOT NULL,
    contact_lo UBIGINT NOT NULL, person_hi UBIGINT NOT NULL, person_lo UBIGINT NOT NULL, aimed_at VARCHAR NOT NULL,
    happened_at BIGINT NOT NULL, found_at BIGINT NOT NULL, found BIGINT NOT NULL, most BIGINT NOT NULL,
    closed_by VARCHAR NOT NULL, closing_reference VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS objection (
    controller VARCHAR NOT NULL, contact_hi UBIGINT NOT NULL, contact_lo UBIGINT NOT NULL,
    objected_at BIGINT NOT NULL, tie UBIGINT NOT NULL, channel VARCHAR NOT NULL, noted_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS recording_seed (
    controller VARCHAR NOT NULL, campaign VARCHAR NOT NULL, day VARCHAR NOT NULL, tie UBIGINT NOT NULL,
    commitment VARCHAR NOT NULL, seed VARCHAR NOT NULL, written_at BIGINT NOT NULL
);
