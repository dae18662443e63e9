"""The key collector: right keys in every format, bounded parts, links and alternates while there are few."""

import struct

import pytest
from example_catalogue import CUSTOMER, KEYS, LINE, ORDERS, SNAPSHOT, fields_of, planned
from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.capture.keys import MAX_LINKS, MAX_ROWS_PER_CALL, KeyCollector, KeyPart
from quivive.capture.resolve import Extraction, resolve
from quivive.model.access import MAX_KEYS_PER_PART, MAX_SUBJECTS_FOR_ALTERNATES, CoverageClass
from quivive.privacy.pseudonym import alternate_key, neighbourhood, record_key


def extraction(sql: str, *columns: tuple[int, str]) -> Extraction:
    return resolve(SNAPSHOT, planned(sql)[0], fields_of(*columns))


IDS = extraction("select id from customer", (CUSTOMER, "id"))
ORDER_ROWS = extraction("select id, customer_id from orders", (ORDERS, "id"), (ORDERS, "customer_id"))


def collect(found: Extraction, rows: list[tuple[bytes | None, ...]], formats: list[int] | None = None) -> list[KeyPart]:
    collector = KeyCollector(found, KEYS, formats or [0] * len(found.column_indexes))
    parts: list[KeyPart] = []
    for start in range(0, len(rows), MAX_ROWS_PER_CALL):
        collector.add_rows(rows[start : start + MAX_ROWS_PER_CALL])
        if collector.full:
            parts += collector.take_parts()
    return parts + list(collector.take_parts())


def keys_of(parts: list[KeyPart], table: str = "public.customer") -> list[str]:
    return [key for part in parts for group in part.records if group.table == table for key in group.keys]


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(min_value=-(2**63), max_value=2**63 - 1), max_size=30))
def test_text_and_binary_give_the_same_keys(numbers: list[int | None]) -> None:
    """Distinct, in order seen, without NULLs, the same in both formats."""
    wanted = [record_key(KEYS, "public.customer", str(n)) for n in dict.fromkeys(numbers) if n is not None]
    text = collect(IDS, [(None if n is None else str(n).encode(),) for n in numbers])
    binary = collect(IDS, [(None if n is None else struct.pack("!q", n),) for n in numbers], [1])
    assert keys_of(text) == keys_of(binary) == wanted


@pytest.mark.parametrize("count", [1, MAX_KEYS_PER_PART - 1, MAX_KEYS_PER_PART, 3 * MAX_KEYS_PER_PART + 7])
def test_parts_are_bounded(count: int) -> None:
    """No part above its limit, no key lost, none doubled."""
    parts = collect(IDS, [(str(n).encode(),) for n in range(count)])
    assert all(sum(len(g.keys) for g in part.records) <= MAX_KEYS_PER_PART for part in parts)
    found = keys_of(parts)
    assert len(found) == len(set(found)) == count == parts[-1].distinct


def test_rows_with_two_tables_are_bounded_together() -> None:
    """Keys of several tables share one part's limit."""
    rows = [(str(n).encode(), str(n // 2).encode()) for n in range(6_000)]
    parts = collect(ORDER_ROWS, rows)
    assert all(sum(len(g.keys) for g in part.records) <= MAX_KEYS_PER_PART for part in parts)
    assert set(keys_of(parts, "public.orders")) == {record_key(KEYS, "public.orders", str(n)) for n in range(6_000)}
    assert set(keys_of(parts)) == {record_key(KEYS, "public.customer", str(n)) for n in range(3_000)}


def test_repeated_records_are_counted_once_across_a_part() -> None:
    """A join repeats its customer: one key, also when a part ends in between."""
    rows = [(str(n // 100).encode(),) for n in range(60_000)]
    parts = collect(IDS, rows)
    assert parts[-1].distinct == 600 == len(keys_of(parts))


def test_links_are_few_and_distinct() -> None:
    """Each order is linked to its customer, up to the bound, and the rest keeps its keys."""
    parts = collect(ORDER_ROWS, [(str(n).encode(), b"5") for n in range(3_000)])
    links = [link for part in parts for link in part.links]
    assert len(links) == len(set(links)) == MAX_LINKS
    assert {link.right for link in links} == {record_key(KEYS, "public.customer", "5")}
    assert links[0].left == record_key(KEYS, "public.orders", "0")
    assert links[0].left_kind == "record"


def test_alternates_up_to_twenty_subjects() -> None:
    """Phones become links to their customers for 20 subjects, and nothing for 21."""
    found = extraction("select id, phone from customer", (CUSTOMER, "id"), (CUSTOMER, "phone"))
    rows = [(str(n).encode(), f"06 12 34 56 {n:02}".encode()) for n in range(MAX_SUBJECTS_FOR_ALTERNATES + 1)]
    few = collect(found, rows[:-1])
    assert {(link.left, link.right) for part in few for link in part.links} == {
        (alternate_key(KEYS, "phone", f"+336123456{n:02}"), record_key(KEYS, "public.customer", str(n)))
        for n in range(MAX_SUBJECTS_FOR_ALTERNATES)
    }
    many = collect(found, rows)
    assert [link for part in many for link in part.links] == []
    assert many[-1].coverage is CoverageClass.EXACT
    assert len(keys_of(many)) == len(rows)


def test_alternates_alone() -> None:
    """Without the primary key the phone is the key, of class alternate; beyond the bound, counted only."""
    found = extraction("select phone from customer", (CUSTOMER, "phone"))
    few = collect(found, [(b"0612345678",), (b"+33612345678",), (b"3949",), (None,)])
    assert keys_of(few) == [alternate_key(KEYS, "phone", "+33612345678")]
    assert few[-1].coverage is CoverageClass.ALTERNATE
    collector = KeyCollector(found, KEYS, [0])
    collector.add_rows([(f"06123456{n:02}".encode(),) for n in range(30)])
    assert collector.take_parts() == ()
    assert collector.coverage is CoverageClass.COUNT_ONLY


def test_neighbourhoods() -> None:
    """64 consecutive integers share one; a text key has none."""
    parts = collect(IDS, [(str(n).encode(),) for n in range(100)])
    assert set(parts[0].neighbourhoods) == {neighbourhood(KEYS, "public.customer", n) for n in (0, 64)}


def test_composite_keys() -> None:
    """Both columns make the key; a NULL in one makes none."""
    found = extraction("select order_id, no from line", (LINE, "order_id"), (LINE, "no"))
    parts = collect(found, [(b"7", b"1"), (b"7", None), (struct.pack("!q", 8)[:0] or b"8", b"2")])
    assert keys_of(parts, "public.line") == [record_key(KEYS, "public.line", t) for t in ("7,1", "8,2")]
    assert set(keys_of(parts, "public.orders")) == {record_key(KEYS, "public.orders", t) for t in ("7", "8")}


def test_whole_row() -> None:
    """The key inside a composite value; a value that cannot be read lowers the class."""
    found = extraction("select c from customer c", (CUSTOMER, "*"))
    parts = collect(found, [(b'(9,"O""Neil, x",,,4)',)])
    assert keys_of(parts) == [record_key(KEYS, "public.customer", "9")]
    collector = KeyCollector(found, KEYS, [0])
    collector.add_row([b"garbage"])
    assert collector.take_parts() == ()
    assert collector.coverage is CoverageClass.COUNT_ONLY


def test_unreadable_keys_lower_the_class() -> None:
    """A key that cannot be read is never silently dropped from an exact result."""
    parts = collect(IDS, [(b"1",), (b"x",)])
    assert len(keys_of(parts)) == 1
    assert parts[-1].coverage is CoverageClass.COUNT_ONLY


def test_nothing_collected_is_no_part() -> None:
    """No rows, no part."""
    assert collect(IDS, []) == []
    assert collect(IDS, [(None,)]) == []
