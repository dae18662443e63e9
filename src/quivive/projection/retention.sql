-- Tables of retention; part of the schema (see schema.sql). Certificates, holds, the daily check of every store.

-- One row for each part of a certificate (entries `purge` and `recording.purge`); `places` is the entry's own JSON.
CREATE TABLE IF NOT EXISTS purge (
    certificate_hi UBIGINT NOT NULL, certificate_lo UBIGINT NOT NULL, part INTEGER NOT NULL, tie UBIGINT NOT NULL,
    noted_at BIGINT NOT NULL, controller VARCHAR NOT NULL, what VARCHAR NOT NULL, retention_class VARCHAR NOT NULL,
    day VARCHAR NOT NULL, campaign VARCHAR NOT NULL, rule VARCHAR NOT NULL, clause VARCHAR NOT NULL,
    count BIGINT NOT NULL, declared_days BIGINT NOT NULL, planned_by VARCHAR NOT NULL, approved_by VARCHAR NOT NULL,
    approval VARCHAR NOT NULL, keys_destroyed BIGINT NOT NULL, executed_at BIGINT NOT NULL,
    verified_absent_at BIGINT NOT NULL, backup_days_max BIGINT NOT NULL, declared_by_vendor BOOLEAN NOT NULL,
    removed_root VARCHAR NOT NULL, places VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS hold (
    hold_hi UBIGINT NOT NULL, hold_lo UBIGINT NOT NULL, tie UBIGINT NOT NULL, noted_at BIGINT NOT NULL,
    controller VARCHAR NOT NULL, retention_class VARCHAR NOT NULL, from_at BIGINT NOT NULL, to_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL, order_code VARCHAR NOT NULL, approval VARCHAR NOT NULL, placed_by VARCHAR NOT NULL,
    approved_by VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS hold_release (
    hold_hi UBIGINT NOT NULL, hold_lo UBIGINT NOT NULL, tie UBIGINT NOT NULL, noted_at BIGINT NOT NULL,
    controller VARCHAR NOT NULL, released_by VARCHAR NOT NULL, approved_by VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS retention_check (
    day VARCHAR NOT NULL, room VARCHAR NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL, overdue BIGINT NOT NULL, held BIGINT NOT NULL,
    incomplete BIGINT NOT NULL, policies VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS retention_store (
    day VARCHAR NOT NULL, room VARCHAR NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL, store VARCHAR NOT NULL,
    controller VARCHAR NOT NULL, retention_class VARCHAR NOT NULL, declared_days BIGINT NOT NULL,
    oldest_at BIGINT NOT NULL, overdue BOOLEAN NOT NULL, held VARCHAR NOT NULL
);
