-- Tables that the rules look at beside accesses; the second half of the schema (see schema.sql).

CREATE TABLE IF NOT EXISTS rule_version (
    rule VARCHAR NOT NULL, version BIGINT NOT NULL, tie UBIGINT NOT NULL, rule_version VARCHAR NOT NULL,
    shipped BOOLEAN NOT NULL, enabled BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS watched_record (
    controller VARCHAR NOT NULL, key_hi UBIGINT NOT NULL, key_lo UBIGINT NOT NULL, version BIGINT NOT NULL,
    tie UBIGINT NOT NULL, owner_hi UBIGINT NOT NULL, owner_lo UBIGINT NOT NULL, removed BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS configuration (version BIGINT NOT NULL, tie UBIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS zone (zone VARCHAR NOT NULL, site VARCHAR NOT NULL, country VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS sensitive_column (
    controller VARCHAR NOT NULL, column_name VARCHAR NOT NULL, name VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS configured_source (source VARCHAR NOT NULL, source_kind VARCHAR NOT NULL);
