-- The register of recordings (see schema.sql for the conventions): every state of every version of a campaign.

CREATE TABLE IF NOT EXISTS register_campaign (
    campaign VARCHAR NOT NULL, version BIGINT NOT NULL, rank BIGINT NOT NULL, tie UBIGINT NOT NULL,
    controller VARCHAR NOT NULL, state VARCHAR NOT NULL, body VARCHAR NOT NULL
);
