"""Two sources of one database, statement by statement: what only one of them tells, and by how much clocks differ."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traces import CUSTOMER, ORDER, SECOND, T0, Shards, access, event, gate, key

from quivive.model.access import Action, AttributionSource, CoverageClass, GapBody, GapCause, Outcome
from quivive.model.entry import EntryKind
from quivive.projection.projection import Projection
from quivive.projection.query import Scope

MINUTE = 60 * SECOND
SECONDS_LATE = 2_000


def seconds(number, *, skew=0):
    return T0 + number * SECOND + skew


def logged(name, at, records=(), **changes):
    """The same access as the server's log tells it: asked for, not shown."""
    fields = {"coverage": CoverageClass.PREDICATE if records else CoverageClass.COUNT_ONLY, **changes}
    made = access(f"log-{name}", at + SECONDS_LATE, records, source="audit", **fields)
    return replace(made, kind=EntryKind.ACCESS_SECOND)


def compare(projection, *events, **asked):
    projection.apply(Shards().durable([gate(), *events]))
    return compared(projection, **asked)


def compared(projection, *, skew_us=0, from_at=T0, to_at=T0 + 60 * MINUTE):
    scope = Scope(
        controllers=("aurore",), from_at=T0 - 60 * MINUTE, to_at=T0 + 120 * MINUTE, purpose="test", principal="p"
    )
    params = {
        "first_source": "db", "second_source": "audit", "tolerance_us": 2 * SECOND, "cursor_us": 600 * SECOND,
        "skew_us": skew_us, "count_from": from_at, "count_to": to_at,
    }  # fmt: skip
    rows = projection.query(scope, "reconcile", params)
    (skew,) = projection.query(scope, "reconcile_skew", params) or [{"pairs": 0, "median_us": 0}]
    names = ("firsts", "seconds", "second_only", "second_in_gap", "first_only", "first_in_gap", "not_expected")
    total = {name: sum(row[name] for row in rows if row["section"] == "hour") for name in names}
    only = [(row["standing"], row["tables"], row["statements"]) for row in rows if row["section"] == "only"]
    return total, only, (skew["pairs"], skew["median_us"])


def both(name, at, records=(), **changes):
    return access(name, at, records, **changes), logged(name, at, records, **changes)


def test_what_both_tell_is_nothing_to_find(projection):
    """Keyed or not, attributed or not: as many on each side, so nothing is alone."""
    events = [
        each
        for n in range(20)
        for each in both(f"a{n}", seconds(n), [(CUSTOMER, f"c{n}")] if n % 2 else (), agent="login-a" if n % 3 else "")
    ]
    total, only, (pairs, median) = compare(projection, *events)
    assert (total["firsts"], total["seconds"], only) == (20, 20, [])
    assert (pairs, median) == (10, SECONDS_LATE - 1_000)


@pytest.mark.parametrize("records", [[(CUSTOMER, "c900")], ()])
def test_a_direct_connection_is_a_bypass(projection, records):
    """One statement that only the log tells is found among a hundred of the same kind in the same second."""
    events = [each for n in range(100) for each in both(f"a{n}", seconds(n // 10), agent="")]
    total, only, _ = compare(projection, *events, logged("x", seconds(5), records, agent=""))
    assert (total["second_only"], total["first_only"]) == (1, 0)
    assert only == [("second_only", (CUSTOMER,), 1)]


def test_a_line_that_the_log_lost(projection):
    """What only the relay tells is a hole of the log; what failed there was never due."""
    events = [each for n in range(5) for each in both(f"a{n}", seconds(n * 10), [(CUSTOMER, f"c{n}")])]
    lost = access("lost", seconds(25), [(CUSTOMER, "c77")])
    failed = access("failed", seconds(35), outcome=Outcome.ERROR)
    total, only, _ = compare(projection, *events, lost, failed)
    assert (total["first_only"], total["not_expected"], total["second_only"]) == (1, 1, 0)
    assert only == [("first_only", (CUSTOMER,), 1)]


def test_known_gaps_are_told_apart(projection):
    """While the relay was down its accesses could not be told: not a bypass that nobody knew of."""
    gap = event(
        EntryKind.GAP,
        GapBody(from_at=seconds(50), to_at=seconds(60), cause=GapCause.SOURCE_KILLED, lost=-1),
        source="db",
        at=seconds(60),
    )
    total, _, _ = compare(projection, gap, logged("a", seconds(55)), logged("b", seconds(90)))
    assert (total["second_in_gap"], total["second_only"]) == (1, 1)


def test_clocks_that_differ_are_measured_and_forgiven(projection):
    """A log written in another time zone: the hour is measured on records told once, then taken out."""
    hour = 3_600 * SECOND
    events = [
        each
        for n in range(9)
        for each in (
            access(f"a{n}", seconds(n * 5), [(CUSTOMER, f"c{n}")]),
            logged(f"a{n}", seconds(n * 5, skew=hour), [(CUSTOMER, f"c{n}")]),
        )
    ]
    total, only, (pairs, median) = compare(projection, *events, skew_us=hour)
    assert (total["firsts"], total["seconds"], only) == (9, 9, [])
    assert pairs == 9
    assert median == hour + SECONDS_LATE - 1_000


def test_who_the_log_does_not_know_is_still_the_same_statement(projection):
    """The log may name nobody, or call the action otherwise: the tables and the instant remain."""
    events = [
        access("a", seconds(1), [(CUSTOMER, "c1")], action=Action.READ),
        logged("a", seconds(1), agent="", attribution=AttributionSource.NONE, action=Action.LIST),
    ]
    assert compare(projection, *events)[1] == []


def test_a_view_that_the_log_tells_table_by_table(projection):
    """One statement over two tables on the wire, one line for each table in the log: no bypass."""
    events = [
        access("v", seconds(1), [(CUSTOMER, "c1"), (ORDER, "o1")]),
        logged("v1", seconds(1), tables=(CUSTOMER,)),
        logged("v2", seconds(1), tables=(ORDER,)),
    ]
    assert compare(projection, *events)[1] == []


def test_a_statement_that_each_calls_by_other_tables(projection):
    """Orders by their customer: the log names the customer too. As many of one as of the other, and one more."""
    events = [
        each
        for n in range(30)
        for each in (
            access(f"o{n}", seconds(n // 5), [(ORDER, f"o{n}")], tables=(ORDER,)),
            logged(f"o{n}", seconds(n // 5), [(CUSTOMER, f"c{n}")], tables=(CUSTOMER, ORDER)),
            *both(f"p{n}", seconds(n // 5), [(CUSTOMER, f"c{n}")]),
        )
    ]
    past = logged("past", seconds(3), [(CUSTOMER, "c3")], tables=(CUSTOMER, ORDER), agent="")
    total, only, _ = compare(projection, *events, past)
    assert only == [("second_only", (CUSTOMER, ORDER), 1)]
    assert total["first_only"] == 0


def test_fetches_of_a_declared_cursor(projection):
    """The log tells the declaration, without rows; the wire each fetch."""
    fetches = [access(f"f{n}", seconds(1 + n * 20), [(CUSTOMER, f"c{n}")]) for n in range(4)]
    total, only, _ = compare(projection, logged("d", seconds(0), coverage=CoverageClass.OPAQUE), *fetches)
    assert (total["firsts"], only) == (4, [])


def test_the_period_counts_its_own_statements_only(projection):
    """The other half of a pair may lie outside; nobody's key or name leaves."""
    events = both("edge", T0 - 1_500)
    total, only, _ = compare(projection, *events, *both("in", seconds(5)))
    assert (total["firsts"], total["seconds"], only) == (1, 2, [])


def test_a_second_source_is_neither_judged_nor_counted(projection):
    """It stands apart: no access, no exposure, nothing dirty; sealed and purged with its day."""
    projection.apply(Shards().durable([gate(), *both("a", seconds(1), [(CUSTOMER, "c1")])]))
    cursor = projection.cursor()

    def count(table):
        return cursor.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]

    assert [count(table) for table in ("access", "exposure", "dirty_access")] == [1, 1, 1]
    assert [count(table) for table in ("second_access", "second_exposure")] == [1, 1]
    cursor.close()
    projection.seal("20260528", T0 + 4 * 86_400 * SECOND)
    total, only, _ = compared(projection)
    assert (total["firsts"], total["seconds"], only) == (1, 1, [])
    scope = Scope(controllers=("aurore",), from_at=T0 - MINUTE, to_at=T0 + MINUTE, purpose="test", principal="p")
    assert projection.query(scope, "counts", {})[0]["accesses"] == 1
    assert len(projection.query(scope, "accesses_by_subject", {"keys": [key("c1")]})) == 1
    projection.purge_day("aurore", "20260528")
    assert compared(projection)[0]["seconds"] == 0


STATEMENT = st.tuples(
    st.sampled_from(["both", "wire", "log"]),
    st.sampled_from([(CUSTOMER,), (ORDER,), (CUSTOMER, ORDER)]),
    st.sampled_from(["login-a", "login-b", ""]),
    st.booleans(),
)


@settings(max_examples=15, deadline=None)
@given(statements=st.lists(STATEMENT, max_size=25), order=st.randoms(use_true_random=False))
def test_statements_apart_are_told_exactly(tmp_path_factory, statements, order):
    """Ten seconds apart, whatever is missing on either side is found, one by one, in any order of arrival."""
    events = []
    for number, (where, tables, agent, keyed) in enumerate(statements):
        at, records = seconds(number * 10), [(tables[0], f"k{number % 3}")] if keyed else ()
        wire, log = both(f"s{number}", at, records, tables=tables, agent=agent)
        events += {"both": [wire, log], "wire": [wire], "log": [log]}[where]
    order.shuffle(events)
    made = Projection.open(tmp_path_factory.mktemp("p") / "projection")
    try:
        total, _, _ = compare(made, *events)
    finally:
        made.close()
    places = [where for where, *_ in statements]
    assert (total["second_only"], total["first_only"]) == (places.count("log"), places.count("wire"))
    assert total["firsts"] - total["first_only"] == total["seconds"] - total["second_only"] == places.count("both")
