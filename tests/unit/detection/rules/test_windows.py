"""Correlations use true sliding windows: SQL and a plain Python evaluator agree on random sequences of events."""

import random
import sys
from pathlib import Path

import duckdb
import pytest

from quivive.detection.rules.correlate import rule_sql
from quivive.detection.rules.examples import EPOCH_US, fill, satisfied
from quivive.detection.rules.model import CorrelationType
from quivive.detection.rules.parse import parse_rule
from quivive.model.clock import HOUR_US, SECOND_US

sys.path.insert(0, str(Path(__file__).parents[3] / "support"))

from rule_events import satisfied_instants

EVENTS_PER_RULE = 12_500  # eight rules: 10^5 events in all
SEQUENCE = 1_250  # events of one sequence
CORRELATION = """
title: Correlated
name: correlated
correlation: {{type: {type}, rules: [{rules}], group-by: [{group}], timespan: {span}{condition}}}
level: low
custom: {{certain: false}}
"""


def part(name: str, detection: str, condition: str = "seen", category: str = "access") -> str:
    return (
        f"title: {name}\nname: {name}\nlogsource: {{product: quivive, category: {category}}}\n"
        f"detection:\n  {detection}\n  condition: {condition}\nlevel: low\n---\n"
    )


def rule(*parts: str, kind: str, rules: str, span: str, condition: str = "", group: str = "ident"):
    text = "".join(parts) + CORRELATION.format(type=kind, rules=rules, group=group, span=span, condition=condition)
    return parse_rule("test.yml", text, shipped=False)


ANY = part("seen_any", "seen: {rows|gte: 1}")
READ = part("seen_read", "seen: {action: read}")
UPDATE = part("seen_update", "seen: {action: update}\n  planned: {on_shift: true}", "seen and not planned")
OPENED = part("opened", "seen: {table_kind: person, records|lte: 5}", category="exposure")
CALLED = part("called", "seen: {direction: outbound, campaign: null}", category="contact")
LISTED = part("listed", "seen: {sensitive_changed: [bank, contact]}\n  some: {tables|contains: cust}", "1 of *")

RULES = {
    "event_count": rule(ANY, kind="event_count", rules="seen_any", span="1m", condition=", condition: {gte: 4}"),
    "event_count of two": rule(
        READ, LISTED, kind="event_count", rules="seen_read, listed", span="30s", condition=", condition: {gt: 5}"
    ),
    "value_count": rule(
        OPENED, kind="value_count", rules="opened", span="45s", condition=", condition: {gte: 3, field: record}"
    ),
    "value_count of flags": rule(
        ANY, kind="value_count", rules="seen_any", span="20s", condition=", condition: {gte: 2, field: on_shift}"
    ),
    "value_sum": rule(
        UPDATE, kind="value_sum", rules="seen_update", span="1m", condition=", condition: {gte: 20, field: rows}"
    ),
    "temporal": rule(READ, UPDATE, LISTED, kind="temporal", rules="seen_read, seen_update, listed", span="10s"),
    "temporal_ordered": rule(
        OPENED, CALLED, kind="temporal_ordered", rules="opened, called", span="30s", group="ident, record"
    ),
    "temporal_ordered of three": rule(
        READ, UPDATE, READ.replace("seen_read", "read_again"),
        kind="temporal_ordered", rules="seen_read, seen_update, read_again", span="15s",
    ),
}  # fmt: skip


def _sequence(chance: random.Random) -> list[dict[str, object]]:
    """Events of a few people within a few minutes; many share an instant, some lack a field."""
    longest = chance.choice([300, 1_500])
    events: list[dict[str, object]] = []
    for _ in range(SEQUENCE):
        view = chance.choice(["access", "access", "exposure", "exposure", "contact"])
        event: dict[str, object] = {
            "view": view,
            "at": chance.randrange(longest),
            "controller": chance.choice(["aurore", "sereni"]),
            "ident": chance.choice(["a1", "a2", "a3", "a4", "a5", "a6", ""]),
        }
        if view == "contact":
            event |= {"direction": chance.choice(["inbound", "outbound"]), "campaign": chance.choice(["", "spring"])}
        else:
            event |= {
                "action": chance.choice(["read", "update", "list"]),
                "rows": chance.randrange(8),
                "records": chance.randrange(9),
                "on_shift": chance.choice([True, False, None]),
                "tables": chance.choice([[], ["public.customer"], ["public.orders", "public.card"]]),
                "sensitive_changed": chance.choice([[], [], ["bank"], ["contact", "bank"]]),
            }
        if view == "exposure":
            event["table_kind"] = chance.choice(["person", "linked"])
        if view != "access":
            event["record"] = chance.choice(["", "r1", "r2", "r3", "r4", "r5"])
        events.append(event)
    return events


@pytest.mark.parametrize("name", RULES)
def test_batch_sql_agrees_with_an_event_time_evaluator(name):
    """On random sequences both find the same instants: 10^5 events over all rules."""
    chance, compared, agreed = random.Random(name), 0, 0
    under_test = RULES[name]
    connection = duckdb.connect(":memory:", config={"threads": 1})
    while compared < EVENTS_PER_RULE:
        events = _sequence(chance)
        fill(connection, events)
        sql = rule_sql(under_test, EPOCH_US, EPOCH_US + HOUR_US)
        group = under_test.correlation.group_by
        text = f"SELECT DISTINCT controller, ident, {'record' if 'record' in group else repr('')}, hit_at FROM ({sql})"
        found = {
            (controller, ident, *([record] if "record" in group else []), str(hit_at))
            for controller, ident, record, hit_at in connection.execute(text).fetchall()
        }
        timed = [{**event, "at": EPOCH_US + int(event["at"]) * SECOND_US} for event in events]
        expected = satisfied_instants(under_test, timed)
        assert found <= expected, "an instant that is none"
        if under_test.correlation.type not in {CorrelationType.TEMPORAL, CorrelationType.TEMPORAL_ORDERED}:
            assert found == expected
        firsts = {each[:-1]: min(e[-1] for e in expected if e[:-1] == each[:-1]) for each in expected}
        assert {(*key, at) for key, at in firsts.items()} <= found, "the first instant of each group is found"
        compared += len(events)
        agreed += len(expected)
    assert agreed, "the sequences satisfy the rule at times"


def test_three_events_eight_hours_apart_are_not_three_in_an_hour():
    """The fault of known converters: counting without a window (detection reference §7)."""
    three = rule(ANY, kind="event_count", rules="seen_any", span="1h", condition=", condition: {gte: 3}")
    assert not satisfied(three, [{"at": 0}, {"at": 8 * 3600}, {"at": 16 * 3600}])
    assert satisfied(three, [{"at": 0}, {"at": 1800}, {"at": 3600}])


def test_the_window_slides():
    """Two events before a full hour and one after it are three in an hour: no fixed slots."""
    three = rule(ANY, kind="event_count", rules="seen_any", span="1h", condition=", condition: {gte: 3}")
    assert satisfied(three, [{"at": 3000}, {"at": 3500}, {"at": 4000}])


def test_a_value_seen_twice_is_one_value():
    """Distinct values in the window, not events."""
    three = RULES["value_count"]
    same = {"view": "exposure", "table_kind": "person", "record": "r1"}
    assert not satisfied(three, [{**same, "at": at} for at in range(5)])
    assert satisfied(three, [{**same, "at": at, "record": f"r{at}"} for at in range(3)])


def test_order_matters_where_it_is_asked():
    """A call before the opening is no call after it."""
    ordered = RULES["temporal_ordered"]
    opened = {"view": "exposure", "table_kind": "person", "record": "r1"}
    called = {"view": "contact", "direction": "outbound", "record": "r1"}
    assert satisfied(ordered, [{**opened, "at": 0}, {**called, "at": 20}])
    assert not satisfied(ordered, [{**called, "at": 0}, {**opened, "at": 20}])


def test_unknown_is_never_a_hit():
    """A flag that is not known satisfies neither itself nor its negation."""
    off = part("off_shift", "seen: {on_shift: true}", "not seen").removesuffix("---\n")
    alone = parse_rule("test.yml", off + "custom: {certain: false}\n", shipped=False)
    assert not satisfied(alone, [{"at": 0}])
    assert satisfied(alone, [{"at": 0, "on_shift": False}])
