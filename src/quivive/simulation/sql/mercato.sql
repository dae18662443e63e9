-- Mercato (fictitious): order tracking of a web shop.
CREATE TABLE product (id bigint PRIMARY KEY, label text NOT NULL, price numeric(8, 2) NOT NULL);
CREATE TABLE household (id bigint PRIMARY KEY, label text NOT NULL);
CREATE TABLE customer (
    id bigint PRIMARY KEY, last_name text NOT NULL, first_name text NOT NULL, household_id bigint NOT NULL,
    customer_number text NOT NULL, phone text NOT NULL, email text NOT NULL, birth_date date NOT NULL,
    newsletter boolean NOT NULL DEFAULT false, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE address (
    id bigint PRIMARY KEY, customer_id bigint NOT NULL, line text NOT NULL, postal_code text NOT NULL,
    city text NOT NULL);
CREATE TABLE orders (
    id bigint PRIMARY KEY, order_number text NOT NULL, customer_id bigint NOT NULL, placed_at timestamptz NOT NULL,
    status text NOT NULL, total numeric(10, 2) NOT NULL);
CREATE TABLE order_line (
    order_id bigint NOT NULL, line_no smallint NOT NULL, product_id bigint NOT NULL, quantity smallint NOT NULL,
    PRIMARY KEY (order_id, line_no));
CREATE TABLE invoice (
    id bigint PRIMARY KEY, invoice_number text NOT NULL, order_id bigint NOT NULL, amount numeric(10, 2) NOT NULL,
    refunded boolean NOT NULL DEFAULT false);
CREATE TABLE parcel (
    id bigint PRIMARY KEY, tracking_number text NOT NULL, order_id bigint NOT NULL, carrier text NOT NULL,
    status text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
CREATE VIEW order_tracking AS
    SELECT o.id, o.order_number, o.customer_id, c.id AS person_id, o.status, o.placed_at, c.last_name, c.first_name,
           p.id AS parcel_id, p.order_id AS parcel_order_id, p.tracking_number, p.carrier, p.status AS parcel_status
    FROM orders o JOIN customer c ON c.id = o.customer_id LEFT JOIN parcel p ON p.order_id = o.id;
-- after the load
ALTER TABLE customer ADD FOREIGN KEY (household_id) REFERENCES household (id);
CREATE UNIQUE INDEX ON customer (customer_number);
CREATE INDEX ON customer (phone);
CREATE INDEX ON customer (household_id);
ALTER TABLE address ADD FOREIGN KEY (customer_id) REFERENCES customer (id);
CREATE INDEX ON address (customer_id);
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customer (id);
CREATE UNIQUE INDEX ON orders (order_number);
CREATE INDEX ON orders (customer_id);
ALTER TABLE order_line ADD FOREIGN KEY (order_id) REFERENCES orders (id);
ALTER TABLE order_line ADD FOREIGN KEY (product_id) REFERENCES product (id);
ALTER TABLE invoice ADD FOREIGN KEY (order_id) REFERENCES orders (id);
CREATE INDEX ON invoice (order_id);
ALTER TABLE parcel ADD FOREIGN KEY (order_id) REFERENCES orders (id);
CREATE INDEX ON parcel (order_id);
CREATE UNIQUE INDEX ON parcel (tracking_number);
