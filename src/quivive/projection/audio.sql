-- Tables of kept sound: how long each object may lie in a store, and its end (see schema.sql for the conventions).

CREATE TABLE IF NOT EXISTS audio_plan (
    plan_hi UBIGINT NOT NULL, plan_lo UBIGINT NOT NULL, part BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, parts BIGINT NOT NULL, digest VARCHAR NOT NULL, planned_by VARCHAR NOT NULL,
    planned_role VARCHAR NOT NULL, planned_at BIGINT NOT NULL, stores VARCHAR NOT NULL, declared BOOLEAN NOT NULL,
    follows_hi UBIGINT NOT NULL, follows_lo UBIGINT NOT NULL, objects BIGINT NOT NULL, items BIGINT NOT NULL,
    counts VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS audio_plan_item (
    plan_hi UBIGINT NOT NULL, plan_lo UBIGINT NOT NULL, part BIGINT NOT NULL, controller VARCHAR NOT NULL,
    audio_hi UBIGINT NOT NULL, audio_lo UBIGINT NOT NULL, store VARCHAR NOT NULL, campaign VARCHAR NOT NULL,
    recording_hi UBIGINT NOT NULL, recording_lo UBIGINT NOT NULL, reason VARCHAR NOT NULL, clock VARCHAR NOT NULL,
    ended_at BIGINT NOT NULL, limit_days BIGINT NOT NULL, size_bytes BIGINT NOT NULL, sha256 VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS audio_step (
    plan_hi UBIGINT NOT NULL, plan_lo UBIGINT NOT NULL, attempt BIGINT NOT NULL, step VARCHAR NOT NULL,
    tie UBIGINT NOT NULL, controller VARCHAR NOT NULL, stepped_at BIGINT NOT NULL, principal VARCHAR NOT NULL,
    removed BIGINT NOT NULL, left_over BIGINT NOT NULL, failures VARCHAR NOT NULL, kept VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS audio_hold (
    hold_hi UBIGINT NOT NULL, hold_lo UBIGINT NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, scope VARCHAR NOT NULL, object VARCHAR NOT NULL, reference VARCHAR NOT NULL,
    from_at BIGINT NOT NULL, until_at BIGINT NOT NULL, asked_by VARCHAR NOT NULL, approved_by VARCHAR NOT NULL,
    approval_hi UBIGINT NOT NULL, approval_lo UBIGINT NOT NULL, released BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS audio_limit (
    campaign VARCHAR NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL, controller VARCHAR NOT NULL,
    state VARCHAR NOT NULL, purpose VARCHAR NOT NULL, queues VARCHAR NOT NULL, from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL, retention_days BIGINT NOT NULL, listeners VARCHAR NOT NULL
);
