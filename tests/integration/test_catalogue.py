"""Catalogue, resolution and keys against a real PostgreSQL: every row of the truth table (capture reference §4)."""

import asyncio
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from quivive.capture.address import parse_side_dsn
from quivive.capture.catalogue import load_snapshot
from quivive.capture.keys import KeyCollector, execute_binds, predicate_keys
from quivive.capture.resolve import Extraction, resolve
from quivive.capture.side import SideConnection
from quivive.capture.snapshot import CatalogueSnapshot
from quivive.model.access import Action, CoverageClass, LinkBody
from quivive.model.catalogue import Alternate, Catalogue, Path, Table, TableKind
from quivive.privacy.canonical import canonical_key
from quivive.privacy.pseudonym import ControllerKeys, alternate_key, record_key
from quivive.wire.fields import Field
from quivive.wire.shape import shape_of
from quivive.wire.sql import plan_of

pytestmark = pytest.mark.integration

KEYS = ControllerKeys(key_id="t1", record=b"r" * 32, agent=b"a" * 32)
EXTRA = """
ALTER TABLE order_line DROP CONSTRAINT order_line_order_id_fkey;
CREATE VIEW nested AS SELECT id AS number, upper(last_name) AS shouted, last_name FROM customer_card;
CREATE MATERIALIZED VIEW frozen AS SELECT id, phone FROM customer;
CREATE VIEW per_household AS SELECT household_id, count(*) AS n FROM customer GROUP BY household_id;
CREATE TABLE visit (id bigint, at date, customer_id bigint, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE visit_2026 (customer_id bigint, at date NOT NULL, id bigint NOT NULL);
ALTER TABLE visit ATTACH PARTITION visit_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO visit SELECT g, date '2026-01-01' + g, g FROM generate_series(1, 20) g;
CREATE TABLE device (serial uuid PRIMARY KEY, code char(8), customer_id bigint);
INSERT INTO device VALUES ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'AB', 3);
CREATE TABLE secret_notes (id int PRIMARY KEY, body text);
INSERT INTO secret_notes VALUES (1, 'x');
CREATE FUNCTION get_customer(bigint) RETURNS SETOF customer LANGUAGE sql STABLE AS 'SELECT * FROM customer WHERE id = $1';
CREATE FUNCTION plus_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE TABLE reference_price (id int PRIMARY KEY);
"""
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(
            name="public.customer",
            kind=TableKind.PERSON,
            key=("id",),
            path=Path(column="household_id", to="public.household"),
            alternates=(
                Alternate(column="phone", kind="phone"),
                Alternate(column="email", kind="email"),
                Alternate(column="customer_number", kind="customer_number"),
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
        Table(
            name="public.device",
            kind=TableKind.LINKED,
            key=("serial",),
            path=Path(column="customer_id", to="public.customer"),
        ),
        Table(name="public.household", kind=TableKind.GROUP, key=("id",)),
        Table(name="public.reason_code", kind=TableKind.REFERENCE, key=("code",)),
    ),
    not_protected=("public.reference_price",),
)


@dataclass
class Seen:
    extraction: Extraction
    coverage: CoverageClass
    keys: dict[str, set[str]]
    links: tuple[LinkBody, ...]


class Bench:
    """Runs a statement for real and follows it as the relay would."""

    def __init__(self, connection: psycopg.Connection, snapshot: CatalogueSnapshot) -> None:
        self.connection = connection
        self.snapshot = snapshot

    def see(self, sql: str, params: tuple[bytes | None, ...] = (), *, binary: bool = False) -> Seen:
        result = self.connection.pgconn.exec_params(sql.encode(), list(params), result_format=int(binary))
        assert result.status in {1, 2}, result.error_message
        fields = [
            Field((result.fname(i) or b"").decode(), result.ftable(i), result.ftablecol(i), result.ftype(i))
            for i in range(result.nfields)
        ]
        shaped = shape_of(sql)
        (plan,) = plan_of(shaped.text)
        extraction = resolve(self.snapshot, plan, fields or None)
        collector = KeyCollector(extraction, KEYS, [int(binary)] * len(extraction.column_indexes))
        for row in range(result.ntuples):
            collector.add_row([result.get_value(row, i) for i in extraction.column_indexes])
        parts = collector.take_parts()
        keys: dict[str, set[str]] = {}
        for part in parts:
            for group in part.records:
                keys.setdefault(group.table, set()).update(group.keys)
        coverage = collector.coverage
        if extraction.predicate:
            found = predicate_keys(self.snapshot, plan, shaped.slots, params, [], KEYS, otherwise=extraction.coverage)
            coverage = found.coverage
            for group in found.records:
                keys.setdefault(group.table, set()).update(group.keys)
        return Seen(extraction, coverage, keys, tuple(link for part in parts for link in part.links))


def rec(table: str, *ids: object) -> set[str]:
    return {record_key(KEYS, f"public.{table}", str(i)) for i in ids}


async def _load(dsn: str) -> CatalogueSnapshot:
    side = SideConnection(parse_side_dsn(dsn))
    try:
        return await load_snapshot(side, CATALOGUE)
    finally:
        await side.close()


@pytest.fixture(scope="module")
def database(pg18: Any) -> str:
    name = pg18.customer_database()
    pg18.execute(EXTRA, name)
    pg18.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_user", name)
    return name


@pytest.fixture(scope="module")
def snapshot(pg18: Any, database: str) -> CatalogueSnapshot:
    return asyncio.run(_load(pg18.dsn(database, user="side_user")))


@pytest.fixture
def bench(pg18: Any, database: str, snapshot: CatalogueSnapshot):
    with psycopg.connect(pg18.dsn(database), autocommit=True) as connection:
        connection.execute("BEGIN")
        yield Bench(connection, snapshot)
        connection.execute("ROLLBACK")


def test_snapshot_with_connect_and_usage_only(snapshot: CatalogueSnapshot) -> None:
    """A role that can read no row loads tables, partitions, views and what is not mapped."""
    assert snapshot.missing == ()
    assert snapshot.unmapped == ("public.secret_notes",)
    partition = snapshot.named("visit_2026")
    assert partition is not None
    assert partition.table is not None
    assert partition.table.name == "public.visit"
    card = snapshot.named("customer_card")
    assert card is not None
    assert {r.name for r in snapshot.bases(card)} == {"public.customer", "public.household"}
    assert "get_customer" in snapshot.functions
    assert "plus_one" not in snapshot.functions
    reason = snapshot.named("reason_code")
    assert reason is not None
    assert not reason.protected


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(
    ("sql", "table", "ids"),
    [
        ("select id, last_name from customer where id in (1,2,3)", "customer", {1, 2, 3}),
        ("select c.id as x from customer c where id = 4", "customer", {4}),
        (
            "with c as materialized (select * from customer where id < 4) select last_name, id from c",
            "customer",
            {1, 2, 3},
        ),
        ("select * from (select id, phone from customer where id = 9) s", "customer", {9}),
        ("select distinct id from customer where id < 3", "customer", {1, 2}),
        ("select id, count(*) from customer where id < 3 group by id", "customer", {1, 2}),
        ("select id, row_number() over (order by id) from customer where id < 3", "customer", {1, 2}),
        ("select id from customer where id = 5 for update", "customer", {5}),
        ("select id, last_name from customer_card where id = 6", "customer", {6}),
        ("select number, last_name from nested where number = 7", "customer", {7}),
        ("select id from frozen where id = 8", "customer", {8}),
        ("update customer set last_name = 'x' where id = 11 returning id", "customer", {11}),
        ("delete from orders where id = 12 returning *", "orders", {12}),
        ("insert into customer (id, last_name) values (5001, 'x') returning id", "customer", {5001}),
        ("select l.id from lateral (select id from customer where id = 13) l", "customer", {13}),
    ],
)
def test_truth_table_exact(bench: Bench, sql: str, table: str, ids: set[int], binary: bool) -> None:
    """Plain columns, aliases, CTEs, subqueries, views, RETURNING: the keys of the base table, class exact."""
    seen = bench.see(sql, binary=binary)
    assert seen.coverage is CoverageClass.EXACT
    assert seen.keys[f"public.{table}"] == rec(table, *ids)
    assert seen.extraction.protected
    assert not seen.extraction.needs_describe


@pytest.mark.parametrize("binary", [False, True])
def test_join_gives_both_sides_and_links(bench: Bench, binary: bool) -> None:
    """A join shows customer and order, and links them along the declared path."""
    seen = bench.see(
        "select c.id, c.last_name, o.id, o.total from customer c join orders o on o.customer_id = c.id where c.id = 2",
        binary=binary,
    )
    assert seen.coverage is CoverageClass.EXACT
    assert seen.keys == {"public.customer": rec("customer", 2), "public.orders": rec("orders", 1, 1001)}
    assert {(link.left, link.right) for link in seen.links} == {
        (o, *rec("customer", 2)) for o in rec("orders", 1, 1001)
    }


def test_order_is_found_under_its_customer(bench: Bench) -> None:
    """An order read by its number shows order, customer by foreign key, and the link between them."""
    seen = bench.see("select * from orders where order_number = 'CMD-000007'")
    assert seen.extraction.action is Action.READ
    assert seen.keys == {"public.orders": rec("orders", 7), "public.customer": rec("customer", 8)}
    pairs = {(link.left, link.left_kind, link.right, link.right_table) for link in seen.links}
    number = alternate_key(KEYS, "order_number", "cmd-000007")
    (order,), (customer,) = rec("orders", 7), rec("customer", 8)
    assert pairs == {
        (order, "record", customer, "public.customer"),
        (number, "order_number", order, "public.orders"),
    }


def test_tables_behind_a_key(bench: Bench) -> None:
    """A household shown beside its customer, a customer beside an order: the key of the row leads there."""
    household = bench.see(
        "select c.id, h.label from customer c left join household h on h.id = c.household_id where c.id = 3"
    )
    assert household.coverage is CoverageClass.EXACT
    assert household.keys == {"public.customer": rec("customer", 3)}
    order = bench.see("select o.id, c.last_name from orders o join customer c on c.id = o.customer_id where o.id = 9")
    assert order.coverage is CoverageClass.EXACT
    view = bench.see("select * from customer_card where id = 3")
    assert view.keys["public.customer"] == rec("customer", 3)


def test_household_of_a_customer_is_linked_not_shown(bench: Bench) -> None:
    """A customer's row names its household: a link, but no record shown."""
    seen = bench.see("select id, household_id from customer where id = 3")
    assert seen.keys == {"public.customer": rec("customer", 3)}
    assert [(link.right, link.right_table) for link in seen.links] == [(*rec("household", 4), "public.household")]


def test_self_join_gives_distinct_sets_of_both(bench: Bench) -> None:
    """Both sides of a self-join are counted; nothing is linked between tuples that cannot be paired."""
    seen = bench.see(
        "select a.id, b.id, b.phone from customer a join customer b on b.household_id = a.household_id"
        " where a.id = 1 and b.id = 101"
    )
    assert seen.coverage is CoverageClass.EXACT
    assert seen.keys["public.customer"] == rec("customer", 1, 101)
    assert seen.links == ()
    one = bench.see("select a.id, b.last_name from customer a join customer b using (household_id) where a.id = 1")
    assert one.coverage is CoverageClass.COUNT_ONLY


@pytest.mark.parametrize("binary", [False, True])
def test_whole_row_column(bench: Bench, binary: bool) -> None:
    """`SELECT c FROM customer c` hides the key inside a composite value: it is read there."""
    seen = bench.see("select c from customer c where id = 14", binary=binary)
    assert seen.coverage is CoverageClass.EXACT
    assert seen.keys["public.customer"] == rec("customer", 14)
    assert "public.customer.iban" in seen.extraction.columns


@pytest.mark.parametrize("binary", [False, True])
def test_partition_counts_as_its_root(bench: Bench, binary: bool) -> None:
    """Reading a partition or its parent gives the same composite key of the root."""
    wanted = {record_key(KEYS, "public.visit", canonical_key(["3", "2026-01-04"]))}
    for name in ("visit", "visit_2026"):
        seen = bench.see(f"select * from {name} where id = 3", binary=binary)
        assert seen.keys == {"public.visit": wanted, "public.customer": rec("customer", 3)}
        assert seen.coverage is CoverageClass.EXACT


@pytest.mark.parametrize("binary", [False, True])
def test_uuid_key(bench: Bench, binary: bool) -> None:
    """Text and binary uuid are one key."""
    seen = bench.see("select serial from device", binary=binary)
    assert seen.keys["public.device"] == rec("device", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")


def test_alternate_without_primary_key(bench: Bench) -> None:
    """A phone shown alone identifies its customer: class alternate, until more than 20 subjects are shown."""
    seen = bench.see("select last_name, phone from customer where id < 4")
    assert seen.coverage is CoverageClass.ALTERNATE
    assert seen.keys["public.customer"] == {alternate_key(KEYS, "phone", f"+3363998000{i}") for i in (1, 2, 3)}
    many = bench.see("select phone from customer where id < 50")
    assert many.coverage is CoverageClass.COUNT_ONLY
    assert many.keys.get("public.customer", set()) == set()


def test_alternates_link_to_their_person_up_to_twenty(bench: Bench) -> None:
    """With the primary key, alternates become links; beyond 20 subjects none is extracted."""
    seen = bench.see("select * from customer where id = 15")
    assert {link.left_kind for link in seen.links} == {"phone", "email", "customer_number", "record"}
    assert bench.see("select id, email from customer where id < 100").links == ()


@pytest.mark.parametrize(
    ("sql", "params", "coverage", "keys"),
    [
        ("select last_name from customer where id = 16", (), CoverageClass.PREDICATE, {16}),
        ("select last_name from customer where id = $1", (b"17",), CoverageClass.PREDICATE, {17}),
        ("select last_name from customer where id = any($1)", (b"{18,19}",), CoverageClass.PREDICATE, {18, 19}),
        ("select json_agg(c) from customer c where id = 20", (), CoverageClass.PREDICATE, {20}),
        ("select id::text from customer where id = 21", (), CoverageClass.PREDICATE, {21}),
        ("select last_name from customer", (), CoverageClass.COUNT_ONLY, set()),
        ("select last_name from customer where id = 1 or last_name = 'x'", (), CoverageClass.COUNT_ONLY, set()),
        ("select id + 0 from customer", (), CoverageClass.OPAQUE, set()),
        ("select id from customer union select id from orders", (), CoverageClass.OPAQUE, set()),
        ("select json_agg(c) from customer c", (), CoverageClass.OPAQUE, set()),
        ("select string_agg(email, ',') from customer", (), CoverageClass.OPAQUE, set()),
        ("select row_to_json(c) from customer c", (), CoverageClass.OPAQUE, set()),
        ("select * from get_customer(2)", (), CoverageClass.OPAQUE, set()),
        ("select id, plus_one(1) from customer where id = 22", (), CoverageClass.EXACT, {22}),
        ("select count(*) from customer", (), CoverageClass.AGGREGATE, set()),
        ("select household_id, count(*) from customer group by household_id", (), CoverageClass.AGGREGATE, set()),
        ("select * from per_household", (), CoverageClass.COUNT_ONLY, set()),
        ("select body from secret_notes where id = 1", (), CoverageClass.COUNT_ONLY, set()),
        ("select body, id from secret_notes where id = 1", (), CoverageClass.COUNT_ONLY, set()),
    ],
)
def test_truth_table_others(
    bench: Bench, sql: str, params: tuple[bytes, ...], coverage: CoverageClass, keys: set[int]
) -> None:
    """What the wire cannot key is classed honestly, and protected."""
    seen = bench.see(sql, params)
    assert seen.coverage is coverage
    assert seen.keys.get("public.customer", set()) == rec("customer", *keys)
    assert seen.extraction.protected


@pytest.mark.parametrize(
    "sql",
    [
        "select * from reason_code",
        "select * from reference_price",
        "select 1",
        "select relname from pg_class",
        "select * from pg_catalog.pg_stat_activity",
        "show search_path",
        "select current_user, now()",
        "explain select * from customer",
    ],
)
def test_unprotected_statements_make_no_entry(bench: Bench, sql: str) -> None:
    """Reference data, the system's own tables and plans are counted, not entered."""
    assert not bench.see(sql).extraction.protected


@pytest.mark.parametrize(
    ("sql", "params", "table", "ids", "changed", "action"),
    [
        (
            "update customer set last_name = 'x', phone = null where id = 23",
            (),
            "customer",
            {23},
            {"last_name", "phone"},
            "update",
        ),
        ("update customer set last_name = $2 where id = $1", (b"24", b"y"), "customer", {24}, {"last_name"}, "update"),
        ("delete from orders where id in (25, 26)", (), "orders", {25, 26}, set(), "delete"),
        (
            "insert into customer (id, last_name) values (6001, 'x'), (6002, 'y')",
            (),
            "customer",
            {6001, 6002},
            {"id", "last_name"},
            "create",
        ),
        (
            "insert into customer (id, last_name) values (27, 'x') on conflict (id) do update set phone = null",
            (),
            "customer",
            {27},
            {"id", "last_name", "phone"},
            "create",
        ),
    ],
)
def test_writes_by_key(
    bench: Bench, sql: str, params: tuple[bytes, ...], table: str, ids: set[int], changed: set[str], action: str
) -> None:
    """A write without RETURNING is keyed by its predicates or values, with the changed columns."""
    seen = bench.see(sql, params)
    assert seen.coverage is CoverageClass.PREDICATE
    assert seen.keys[f"public.{table}"] == rec(table, *ids)
    assert set(seen.extraction.changed) == {f"public.{table}.{name}" for name in changed}
    assert seen.extraction.action == action


def test_bulk_copies_inside_the_server(bench: Bench) -> None:
    """CTAS, INSERT…SELECT and SELECT INTO are exports of their source; a temporary table is never mapped."""
    for sql in ("create temp table t1 as select * from customer", "select * into temp t2 from customer"):
        seen = bench.see(sql)
        assert seen.extraction.action is Action.EXPORT
        assert seen.extraction.protected
        assert "public.customer" in seen.extraction.tables
    laundered = bench.see("select * from t1 where id = 3")
    assert laundered.coverage is CoverageClass.OPAQUE
    assert laundered.extraction.protected
    assert laundered.extraction.needs_describe


def test_composite_predicates_are_paired(bench: Bench) -> None:
    """Row comparisons name composite keys; two lists on two columns name none."""
    wanted = {record_key(KEYS, "public.order_line", canonical_key([str(i), "1"])) for i in (1, 2)}
    seen = bench.see("select label from order_line where (order_id, line_no) in ((1, 1), (2, 1))")
    assert seen.keys["public.order_line"] == wanted
    assert seen.keys["public.orders"] == rec("orders", 1, 2)


def test_sql_level_execute(bench: Bench) -> None:
    """EXECUTE brings its arguments as binds of the prepared plan."""
    shaped = shape_of("execute p(28)")
    (plan,) = plan_of(shaped.text)
    assert execute_binds(plan, shaped.slots, ()) == [b"28"]
    (prepared,) = plan_of(shape_of("prepare p as select last_name from customer where id = $1").text)
    assert prepared.inner is not None
    found = predicate_keys(bench.snapshot, prepared.inner, (), [b"28"], [], KEYS)
    assert found.records[0].keys == tuple(rec("customer", 28))


def test_dropped_and_added_columns(pg18: Any, database: str) -> None:
    """After DDL a fresh snapshot reads whole rows and partitions right again."""
    pg18.execute(
        "CREATE TABLE moved (a int, id int PRIMARY KEY, b text); ALTER TABLE moved DROP COLUMN a; INSERT INTO moved VALUES (5, 'x')",
        database,
    )
    catalogue = Catalogue(
        controller="aurore",
        version=2,
        tables=(Table(name="public.moved", kind=TableKind.PERSON, key=("id",)),),
        not_protected=(),
    )

    async def load() -> CatalogueSnapshot:
        side = SideConnection(parse_side_dsn(pg18.dsn(database, user="side_user")))
        try:
            return await load_snapshot(side, catalogue)
        finally:
            await side.close()

    snapshot = asyncio.run(load())
    with psycopg.connect(pg18.dsn(database)) as connection:
        for binary in (False, True):
            seen = Bench(connection, snapshot).see("select m from moved m", binary=binary)
            assert seen.keys["public.moved"] == {record_key(KEYS, "public.moved", "5")}


def test_catalogue_queries_of_psql_make_no_entry(pg18: Any, database: str, bench: Bench) -> None:
    r"""What `\d` and its kin ask of the server is the system's own, and shows no record."""
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("no psql on this machine")
    shown = subprocess.run(
        [
            psql,
            "-X",
            "-E",
            pg18.dsn(database),
            "-c",
            r"\d customer",
            "-c",
            r"\dt",
            "-c",
            r"\dv+",
            "-c",
            r"\df",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    asked = re.findall(r"\*+ QUERY \*+\n(.*?)\n\*{10,}", shown, re.DOTALL)
    assert len(asked) > 5
    for query in asked:
        assert not bench.see(query.strip().rstrip(";")).extraction.protected, query
