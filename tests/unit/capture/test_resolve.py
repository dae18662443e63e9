"""The coverage truth table, without a server (the same against PostgreSQL: tests/integration/test_catalogue.py)."""

import pytest
from example_catalogue import (
    CARD,
    CODE,
    CUSTOMER,
    HOUSE,
    LINE,
    NOTES,
    ORDERS,
    PART,
    SNAPSHOT,
    TEMP,
    VISIT,
    fields_of,
    planned,
)

from quivive.capture.resolve import Extraction, KeySpec, LinkSpec, is_user_oid, resolve
from quivive.model.access import Action, CoverageClass
from quivive.wire.fields import Field

E, A, C, G, P = (
    CoverageClass.EXACT,
    CoverageClass.ALTERNATE,
    CoverageClass.COUNT_ONLY,
    CoverageClass.AGGREGATE,
    CoverageClass.OPAQUE,
)


def see(sql: str, *columns: tuple[int, str]) -> Extraction:
    return resolve(SNAPSHOT, planned(sql)[0], fields_of(*columns) or None)


@pytest.mark.parametrize(
    ("sql", "columns", "coverage"),
    [
        ("select id, last_name from customer", [(CUSTOMER, "id"), (CUSTOMER, "last_name")], E),
        ("select phone from customer", [(CUSTOMER, "phone")], A),
        ("select last_name from customer", [(CUSTOMER, "last_name")], C),
        ("select id+0 from customer", [(0, "x")], P),
        ("select id+0, last_name from customer", [(0, "x"), (CUSTOMER, "last_name")], C),
        ("select count(*) from customer", [(0, "count")], G),
        ("select last_name, count(*) from customer group by last_name", [(CUSTOMER, "last_name"), (0, "count")], G),
        ("select id, count(*) from customer group by id", [(CUSTOMER, "id"), (0, "count")], E),
        ("select json_agg(c) from customer c", [(0, "x")], P),
        ("select id from customer union select id from orders", [(0, "id")], P),
        ("select number from card", [(CARD, "number")], E),
        ("select shouted from card", [(CARD, "shouted")], C),
        ("select * from visit_2026", [(PART, "customer_id"), (PART, "at"), (PART, "id")], E),
        ("select c from customer c", [(CUSTOMER, "*")], E),
        ("select customer_id from orders", [(ORDERS, "customer_id")], E),
        ("select total from orders", [(ORDERS, "total")], C),
        ("select body from notes", [(NOTES, "body")], C),
        (
            "select c.id, o.total from customer c join orders o on o.customer_id = c.id",
            [(CUSTOMER, "id"), (ORDERS, "total")],
            E,
        ),
        ("select c.id, o.total from customer c, orders o", [(CUSTOMER, "id"), (ORDERS, "total")], C),
        (
            "select o.id, c.last_name from orders o join customer c on c.id = o.customer_id",
            [(ORDERS, "id"), (CUSTOMER, "last_name")],
            E,
        ),
        (
            "select a.id, b.last_name from customer a join customer b using (id)",
            [(CUSTOMER, "id"), (CUSTOMER, "last_name")],
            C,
        ),
        ("select id from customer where exists (select 1 from orders)", [(CUSTOMER, "id")], E),
        ("select id, (select max(total) from orders) from customer", [(CUSTOMER, "id"), (0, "max")], P),
        ("select get_customer(2)", [(0, "x")], P),
        ("select id from t1", [(TEMP, "id")], P),
        ("fetch 10 from c", [(CUSTOMER, "id")], E),
    ],
)
def test_coverage(sql: str, columns: list[tuple[int, str]], coverage: CoverageClass) -> None:
    """Each row of the truth table has its class, and is protected."""
    seen = see(sql, *columns)
    assert seen.coverage is coverage
    assert seen.protected


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select id from code", [(CODE, "id")]),
        ("select now()", [(0, "now")]),
        ("select relname from pg_class", [(1259, "relname")]),
        ("begin", []),
        ("set a.b = 'x'", []),
        ("explain select * from customer", [(0, "QUERY PLAN")]),
        ("prepare p as select * from customer", []),
        ("declare c cursor for select * from customer", []),
        ("select harmless(1)", [(0, "harmless")]),
    ],
)
def test_not_protected(sql: str, columns: list[tuple[int, str]]) -> None:
    """Reference data, the system and statements that show nothing make no entry."""
    assert not see(sql, *columns).protected


@pytest.mark.parametrize(
    "sql",
    [
        "do $$ begin end $$",
        "call f(1)",
        "select * from nowhere",
        "drop table customer",
        "execute p",
        "select pg_read_file('x')",
        "explain analyze delete from customer",
    ],
)
def test_what_is_not_known_is_protected(sql: str) -> None:
    """Unknown tables, hidden work and changes of structure are entries, never silence."""
    assert see(sql).protected


def test_only_key_columns_are_cut() -> None:
    """The scanner cuts keys, paths and alternates, nothing else, and specs point into the cut row."""
    seen = see("select * from orders", (ORDERS, "total"), (ORDERS, "id"), (ORDERS, "number"), (ORDERS, "customer_id"))
    assert seen.column_indexes == (1, 2, 3)
    assert seen.keys == (
        KeySpec(table="public.orders", positions=(0,), types=(20,)),
        KeySpec(table="public.customer", positions=(2,), types=(20,)),
    )
    assert seen.links == (LinkSpec(left=0, right=1),)
    (alternate,) = seen.alternates
    assert (alternate.kind, alternate.position, alternate.owner) == ("order_number", 1, 0)
    assert seen.columns == (
        "public.orders.total",
        "public.orders.id",
        "public.orders.number",
        "public.orders.customer_id",
    )


def test_groups_are_linked_not_shown() -> None:
    """A customer's household is linked; its own table shows it."""
    seen = see("select id, household_id from customer", (CUSTOMER, "id"), (CUSTOMER, "household_id"))
    assert [(spec.table, spec.shown) for spec in seen.keys] == [("public.customer", True), ("public.household", False)]
    assert see("select household_id from customer", (CUSTOMER, "household_id")).keys == ()
    assert see("select id from household", (HOUSE, "id")).keys[0].shown


def test_composite_self_join_is_not_guessed() -> None:
    """Columns of a composite key cannot be paired across two occurrences."""
    seen = see("select * from line a, line b", (LINE, "order_id"), (LINE, "no"), (LINE, "order_id"), (LINE, "no"))
    assert all(len(spec.positions) == 1 for spec in seen.keys)
    whole = see("select * from visit", (VISIT, "id"), (VISIT, "at"))
    assert whole.keys[0].positions == (0, 1)
    assert whole.coverage is E


def test_describe_is_asked_when_columns_are_missing() -> None:
    """A read without columns, or with columns of an unknown relation, asks aside; a write does not."""
    assert see("select * from customer").needs_describe
    assert resolve(SNAPSHOT, planned("select * from customer")[0], (Field("x", 99_999, 1, 25),)).needs_describe
    assert not see("update customer set last_name = 'x' where id = 1").needs_describe
    assert see("copy customer to stdout").needs_describe
    assert not see("select id from customer", (CUSTOMER, "id")).needs_describe


@pytest.mark.parametrize(
    ("sql", "action"),
    [
        ("select * from customer where id = 1", Action.READ),
        ("select * from customer where phone = $1", Action.READ),
        ("select * from orders where customer_id = 3", Action.READ),
        ("select * from card where number = 3", Action.READ),
        ("select * from customer where last_name = 'x'", Action.LIST),
        ("select * from customer where id > 5", Action.LIST),
        ("select * from notes where id = 1", Action.READ),
        ("copy customer to stdout", Action.EXPORT),
        ("create table x as select * from customer", Action.EXPORT),
        ("delete from customer where id = 1", Action.DELETE),
        ("select count(*) from customer", Action.QUERY),
    ],
)
def test_action(sql: str, action: Action) -> None:
    """By a declared key it is a read; a search, a range or a page is a listing."""
    assert see(sql).action is action


def test_changed_columns() -> None:
    """Changed columns are named with their table; an INSERT that names none changes all."""
    assert see("update customer set phone = null where id = 1").changed == ("public.customer.phone",)
    assert "public.customer.email" in see("insert into customer values (1)").changed


def test_user_oids() -> None:
    """The system's own objects are known by their OID."""
    assert is_user_oid(20_000)
    assert not is_user_oid(1_259)
