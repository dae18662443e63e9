"""Feeds of telephony for the tests: final rows as the intake keeps them, in any order, cut anywhere, doubled."""

import random
from collections.abc import Callable

from quivive.connectors.model import Record, Refusal, RowKind
from quivive.model.clock import from_rfc3339

NOW = from_rfc3339("2026-11-23T12:00:00Z")


def records(*items):
    """Lines or objects as records."""
    return [
        Record(number=number, fields={"line": item} if isinstance(item, str) else item)
        for number, item in enumerate(items, start=1)
    ]


def final(translator, items, cut=1_000_000):
    """Last version of each contact; of equal versions the first, as the intake keeps it. Nothing may be refused."""
    kept = {}
    fed = records(*items)
    for start in range(0, len(fed), cut):
        for row in translator.feed(fed[start : start + cut], NOW):
            assert not isinstance(row, Refusal), row
            if row.kind is not RowKind.CONTACTS:
                continue  # who recorded and who listened: tests of their own
            former = kept.get(row.value["id"])
            if former is None or row.value["version"] > former["version"]:
                kept[row.value["id"]] = row.value
    return kept


def refusals(translator, *items):
    """What is refused of some items."""
    return [found for found in translator.feed(records(*items), NOW) if isinstance(found, Refusal)]


def shuffled(items, seed):
    """Each item once or twice, in a random order, and where to cut."""
    chance = random.Random(seed)
    mixed = [item for item in items for _ in range(chance.choice((1, 2)))]
    chance.shuffle(mixed)
    return mixed, chance.choice((1, 2, 5, 1_000))


def assert_order_is_nothing(make: Callable, items, seed, but=()):
    """The final rows of a shuffled, doubled, cut feed are those of the feed as written."""
    mixed, cut = shuffled(items, seed)
    assert without(final(make(), mixed, cut), but) == without(final(make(), items), but)


def without(rows, names):
    """Rows without some fields."""
    return {key: {name: value for name, value in row.items() if name not in names} for key, row in rows.items()}


def legs(row):
    """Legs as (agent, role, from, to) with the hour and minutes only."""
    return [
        (leg["agent"], leg.get("role", "agent"), leg.get("from", "")[11:19], leg.get("to", "")[11:19])
        for leg in row.get("legs", [])
    ]


def times(row, *names):
    """Instants by name, the hour and minutes only; "" when not told."""
    return tuple(row.get(name, "")[11:19] for name in names)
