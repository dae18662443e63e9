-- Séréni (fictitious): outbound campaign of an insurer.
CREATE TABLE campaign (code text PRIMARY KEY, label text NOT NULL);
CREATE TABLE customer (
    id bigint PRIMARY KEY, last_name text NOT NULL, first_name text NOT NULL, customer_number text NOT NULL,
    birth_date date NOT NULL, phone text NOT NULL, email text NOT NULL, iban text NOT NULL, address text NOT NULL,
    postal_code text NOT NULL, city text NOT NULL, do_not_call boolean NOT NULL DEFAULT false);
CREATE TABLE policy (
    id bigint PRIMARY KEY, policy_number text NOT NULL, customer_id bigint NOT NULL, product text NOT NULL,
    premium numeric(10, 2) NOT NULL, renewed_on date NOT NULL);
CREATE TABLE claim (
    id bigint PRIMARY KEY, claim_number text NOT NULL, policy_id bigint NOT NULL, opened_on date NOT NULL,
    reserve numeric(10, 2) NOT NULL, closed boolean NOT NULL);
CREATE TABLE campaign_member (
    id bigint PRIMARY KEY, campaign_code text NOT NULL, customer_id bigint NOT NULL, status text NOT NULL,
    attempts smallint NOT NULL DEFAULT 0, touched_at timestamptz);
-- after the load
CREATE UNIQUE INDEX ON customer (customer_number);
CREATE INDEX ON customer (phone);
ALTER TABLE policy ADD FOREIGN KEY (customer_id) REFERENCES customer (id);
CREATE INDEX ON policy (customer_id);
ALTER TABLE claim ADD FOREIGN KEY (policy_id) REFERENCES policy (id);
CREATE INDEX ON claim (policy_id);
ALTER TABLE campaign_member ADD FOREIGN KEY (customer_id) REFERENCES customer (id);
ALTER TABLE campaign_member ADD FOREIGN KEY (campaign_code) REFERENCES campaign (code);
CREATE INDEX ON campaign_member (customer_id);
