"""One row of the coverage table: a statement shape, and what the relay must say of it on every server and protocol way.

Used by `truth_reads.py`, `truth_writes.py`, the test that runs them and the page that prints them
(docs/coverage-classes.md). Must never hold a value that is not invented.
"""

from dataclasses import dataclass, field

from quivive.model.access import Action, CoverageClass, Outcome
from quivive.model.catalogue import Alternate, Catalogue, Function, Path, Table, TableKind

ALL = ("simple", "text", "binary")
Key = int | str | tuple[int | str, ...]

EXTRA_SCHEMA = """
CREATE VIEW nested AS SELECT id AS number, upper(last_name) AS shouted, last_name FROM customer_card;
CREATE MATERIALIZED VIEW frozen AS SELECT id, phone FROM customer;
CREATE VIEW per_household AS SELECT household_id, count(*) AS n FROM customer GROUP BY household_id;
CREATE TABLE visit (id bigint, at date, customer_id bigint, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE visit_2026 (customer_id bigint, at date NOT NULL, id bigint NOT NULL);
ALTER TABLE visit ATTACH PARTITION visit_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO visit SELECT g, date '2026-01-01' + g, g FROM generate_series(1, 20) g;
CREATE TABLE note (id bigint PRIMARY KEY, body text);
CREATE TABLE old_note (archived date) INHERITS (note);
INSERT INTO note SELECT g, 'n' FROM generate_series(1, 5) g;
INSERT INTO old_note SELECT g, 'o' FROM generate_series(6, 9) g;
CREATE TABLE device (serial uuid PRIMARY KEY, label text);
INSERT INTO device VALUES ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'x');
CREATE TABLE badge (code char(8) PRIMARY KEY, label text);
INSERT INTO badge VALUES ('AB', 'x');
CREATE TABLE meter (number numeric(12, 2) PRIMARY KEY, label text);
INSERT INTO meter VALUES (7.50, 'x');
CREATE TABLE tag (name text PRIMARY KEY, label text);
INSERT INTO tag VALUES ('Élan', 'x');
CREATE TABLE paper (id int PRIMARY KEY, body text);
INSERT INTO paper VALUES (1, 'x');
CREATE TABLE stock (label text, id bigint GENERATED ALWAYS AS (length(label)) STORED, code bigint PRIMARY KEY);
CREATE FUNCTION find_customer(bigint) RETURNS SETOF customer LANGUAGE sql STABLE
    AS 'SELECT * FROM customer WHERE id = $1';
CREATE FUNCTION card_of(wanted bigint) RETURNS TABLE (number bigint, label text) LANGUAGE sql STABLE
    AS 'SELECT id, last_name FROM customer WHERE id = wanted';
CREATE FUNCTION hidden_names() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT last_name FROM customer LIMIT 3';
CREATE PROCEDURE tidy() LANGUAGE sql AS 'UPDATE customer SET updated_at = now() WHERE id = 990';
CREATE VIEW names AS SELECT id, last_name FROM customer;
CREATE FUNCTION dblink(text, text) RETURNS SETOF record LANGUAGE sql AS 'SELECT 1';
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO app_user;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO app_user;
GRANT pg_read_server_files TO app_user;
GRANT CREATE ON SCHEMA public TO app_user;
GRANT pg_write_server_files, pg_execute_server_program TO app_user;
"""


def _person(name: str, *key: str) -> Table:
    return Table(name=f"public.{name}", kind=TableKind.PERSON, key=key)


CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(
            name="public.customer",
            kind=TableKind.PERSON,
            key=("id",),
            alternates=(
                Alternate(column="customer_number", kind="customer_number"),
                Alternate(column="phone", kind="phone"),
            ),
        ),
        Table(
            name="public.orders",
            kind=TableKind.LINKED,
            key=("id",),
            alternates=(Alternate(column="order_number", kind="order_number"),),
            path=Path(column="customer_id", to="public.customer"),
        ),
        Table(
            name="public.order_line",
            kind=TableKind.LINKED,
            key=("order_id", "line_no"),
            path=Path(column="order_id", to="public.orders"),
        ),
        Table(
            name="public.visit",
            kind=TableKind.LINKED,
            key=("id", "at"),
            path=Path(column="customer_id", to="public.customer"),
        ),
        Table(name="public.household", kind=TableKind.GROUP, key=("id",)),
        _person("note", "id"),
        _person("device", "serial"),
        _person("badge", "code"),
        _person("meter", "number"),
        _person("tag", "name"),
        _person("stock", "code"),
    ),
    not_protected=("public.reason_code",),
    functions=(Function(name="public.card_of", table="public.customer", key_column="number"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One statement shape.

    Fields:
        name: what is shown in the page; `group`: its heading there.
        sql: with literals; `bound`: the same with $n for the extended ways, its parameters as text.
        coverage: None when no protected table is touched: counted, without an entry.
        shows: keys by table (`customer` is public.customer), in any order.
        alternates: alternate keys by (table, kind).
        changed: columns written of the (one) table.
        tables: names that must be among those of the access.
        copy: what is sent to COPY FROM STDIN.
        before, after: statements around it on the same connection, judged apart.
        since: first server version that has it.
        fails: the server refuses it.
    """

    name: str
    group: str
    sql: str
    coverage: CoverageClass | None
    shows: dict[str, tuple[Key, ...]] = field(default_factory=dict)
    alternates: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    action: Action = Action.LIST
    rows: int | None = None
    bound: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    outcome: Outcome = Outcome.OK
    ways: tuple[str, ...] = ALL
    copy: bytes = b""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    since: int = 15
    fails: bool = False
    hint: str = ""
