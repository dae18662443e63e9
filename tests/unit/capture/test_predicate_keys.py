"""Keys of predicates and inserted values, by literal and bind, in text and binary."""

import struct

import pytest
from example_catalogue import KEYS, SNAPSHOT, planned

from quivive.capture.predicate_keys import PredicateKeys, execute_binds, predicate_keys
from quivive.model.access import CoverageClass
from quivive.privacy.pseudonym import alternate_key, neighbourhood, record_key


def find(
    sql: str,
    binds: tuple[bytes | None, ...] = (),
    formats: tuple[int, ...] = (),
    types: tuple[int, ...] = (),
) -> PredicateKeys:
    plan, shaped = planned(sql)
    return predicate_keys(SNAPSHOT, plan, shaped.slots, binds, formats, KEYS, types)


def named(found: PredicateKeys) -> dict[str, set[str]]:
    return {group.table.removeprefix("public."): set(group.keys) for group in found.records}


def rec(table: str, *texts: str) -> set[str]:
    return {record_key(KEYS, f"public.{table}", text) for text in texts}


ARRAY = struct.pack("!iiIii", 1, 0, 20, 2, 1) + struct.pack("!iqiq", 8, 5, 8, 6)


@pytest.mark.parametrize(
    ("sql", "binds", "formats", "types", "ids"),
    [
        ("update customer set email = 'x' where id = 5", (), (), (), {"5"}),
        ("update customer set email = $1 where id = $2", (b"x", b" 5 "), (), (), {"5"}),
        ("delete from customer where id = $1", (struct.pack("!q", 5),), (1,), (), {"5"}),
        ("delete from customer where id = $1", (struct.pack("!i", 5),), (1,), (23,), {"5"}),
        ("delete from customer where id = $1", (b"5",), (1,), (25,), {"5"}),
        ("delete from customer where id = $1", (bytes.fromhex("00010000000000000005"),), (1,), (1700,), {"5"}),
        ("delete from customer where email = $1 and id = $2", (b"x", struct.pack("!q", 5)), (0, 1), (), {"5"}),
        ("delete from customer where id in (5, 6, 5)", (), (), (), {"5", "6"}),
        ("delete from customer where id = any($1)", (b"{5,6}",), (), (), {"5", "6"}),
        ("delete from customer where id = any($1)", (ARRAY,), (1,), (1016,), {"5", "6"}),
        ("delete from customer where id = any('{5,6}')", (), (), (), {"5", "6"}),
        ("delete from customer where id = -5", (), (), (), {"-5"}),
        ("delete from customer where id = 5 and id in (5, 6)", (), (), (), {"5"}),
        ("insert into customer (last_name, id) values ('a', 5), ('b', 6)", (), (), (), {"5", "6"}),
        ("insert into customer values (5, 'a')", (), (), (), {"5"}),
        ("select last_name from card where number = 5", (), (), (), {"5"}),
    ],
)
def test_keys_of_the_primary_key(
    sql: str, binds: tuple[bytes, ...], formats: tuple[int, ...], types: tuple[int, ...], ids: set[str]
) -> None:
    """The records named, whatever the form of the value."""
    found = find(sql, binds, formats, types)
    assert named(found)["customer"] == rec("customer", *ids)
    assert found.complete
    assert found.coverage is CoverageClass.PREDICATE


@pytest.mark.parametrize(
    "sql",
    [
        "update customer set email = 'x'",
        "update customer set email = 'x' where last_name = 'y'",
        "delete from customer where id = 5 or last_name = 'y'",
        "delete from customer where not (id = 5)",
        "delete from customer where id > 5",
        "delete from customer where id = (select max(id) from orders)",
        "delete from customer where id in (select customer_id from orders where id = 3)",
        "delete from customer where id = 'abc'",
        "insert into customer (last_name) values ('a')",
        "insert into customer (id) values (default)",
        "insert into customer select * from orders where id = 5",
        "select last_name from customer where id = 5 union select last_name from customer",
        "select body from notes where id = 5",
        "select x from nowhere where id = 5",
    ],
)
def test_incomplete_predicates_do_not_pretend(sql: str) -> None:
    """Whatever may touch other records keeps the class it had."""
    found = find(sql)
    assert not found.complete
    assert found.coverage is CoverageClass.COUNT_ONLY


def test_paths_and_joins() -> None:
    """A foreign key names the person; a join along the path covers the other table."""
    by_path = find("update orders set total = 0 where customer_id = 5")
    assert by_path.complete
    assert named(by_path) == {"customer": rec("customer", "5")}
    joined = find("select c.last_name, o.total from customer c join orders o on o.customer_id = c.id where c.id = 5")
    assert joined.complete
    assert named(joined) == {"customer": rec("customer", "5")}
    inserted = find("insert into orders (customer_id, total) values ($1, 3)", (b"5",))
    assert inserted.complete
    assert named(inserted)["customer"] == rec("customer", "5")
    loose = find("select c.last_name from customer c, orders o where o.id = 9")
    assert not loose.complete
    assert named(loose) == {"orders": rec("orders", "9")}


def test_alternates_in_predicates() -> None:
    """A phone or an order number names its record, folded as everywhere."""
    phone = find("select last_name from customer where phone = '06 12 34 56 78'")
    assert phone.complete
    assert named(phone) == {"customer": {alternate_key(KEYS, "phone", "+33612345678")}}
    email = find("select last_name from customer where lower(email) = lower($1)", (b"A@Example.org",))
    assert named(email) == {"customer": {alternate_key(KEYS, "email", "a@example.org")}}
    assert not find("select last_name from customer where phone = 'x'").complete


def test_composite_keys() -> None:
    """Both columns by equality, pairs by row lists; two lists name no pairs."""
    assert named(find("delete from line where order_id = 7 and no = $1", (b"2",)))["line"] == rec("line", "7,2")
    assert named(find("delete from line where order_id = 7 and no in (1, 2)"))["line"] == rec("line", "7,1", "7,2")
    assert named(find("delete from line where (order_id, no) in ((7, 1), (8, 2))"))["line"] == rec("line", "7,1", "8,2")
    crossed = find("delete from line where order_id in (7, 8) and no in (1, 2)")
    assert "line" not in named(crossed)
    assert named(crossed)["orders"] == rec("orders", "7", "8")


def test_neighbourhoods() -> None:
    """Integer keys show their neighbourhood, for the enumeration rule."""
    assert find("delete from customer where id = 65").neighbourhoods == (neighbourhood(KEYS, "public.customer", 65),)


def test_null_names_nobody() -> None:
    """`id = NULL` touches no record and names none."""
    found = find("select last_name from customer where id = $1", (None,))
    assert found.records == ()


def test_execute_binds() -> None:
    """Arguments of EXECUTE as binds: literals, signed numbers, binds; an expression has no value."""
    plan, shaped = planned("execute p(5, -6, 'x', $1, now(), null)")
    assert execute_binds(plan, shaped.slots, (b"b",)) == [b"5", b"-6", b"x", b"b", None, None]
