"""What real feeds do to the truth: rows lost, late, doubled, out of order, clocks askew, outages, wrong numbers.

Called by `generate.py` on rows that are told completely. The truth (labels, campaigns) stays. Must never touch
accesses but for doubles: they come from the wire or from the application's own log.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np

from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, from_rfc3339
from quivive.simulation.benchmark.centre import CUSTOMERS
from quivive.simulation.benchmark.feed import FeedRow, LabelledFeed, instant
from quivive.simulation.benchmark.rows import customer_phone, text

_INSTANTS: Final = frozenset(
    {"preview_at", "offered_at", "started_at", "ended_at", "wrapped_at", "opened_at", "assigned_at", "touched_at"}
    | {"closed_at"}
)
BATCH_HOUR: Final = 2
"""Local hour at which a nightly batch arrives (taken in UTC: nobody relies on the minute)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A source is silent from–to. `lost`: what it should have told never comes; else it comes afterwards."""

    source: str
    from_at: int
    to_at: int
    lost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Imperfections:
    """Shares of rows, and what befalls whole sources."""

    lost: float = 0.0
    late: float = 0.0
    late_most_s: int = 0
    doubled: float = 0.0
    wrong_number: float = 0.0
    skew_s: float = 0.0
    nightly: tuple[str, ...] = ()
    outages: tuple[Outage, ...] = ()
    random_outages: int = 0


LEVELS: Final = {
    "none": Imperfections(),
    "light": Imperfections(lost=0.005, late=0.03, late_most_s=3_600, doubled=0.005, wrong_number=0.005, skew_s=5.0),
    "heavy": Imperfections(
        lost=0.03,
        late=0.05,
        late_most_s=21_600,
        doubled=0.02,
        wrong_number=0.02,
        skew_s=30.0,
        nightly=("helpdesk",),
        random_outages=2,
    ),
}


def spoil(feed: LabelledFeed, wanted: Imperfections, chance: np.random.Generator) -> None:
    """Spoil a feed in place; the lateness its sources declare grows with what they do."""
    if wanted == Imperfections():
        return
    begin, end = instant(feed.meta.from_at), instant(feed.meta.to_at)
    outages = (*wanted.outages, *_random_outages(wanted.random_outages, begin, end, chance))
    skew_us = int(chance.uniform(-wanted.skew_s, wanted.skew_s) * SECOND_US)
    contacts = list[FeedRow]()
    for row in feed.rows["contacts"]:
        contacts += _spoiled(row, wanted, outages, skew_us, chance)
    feed.rows["contacts"] = contacts
    doubled = chance.random(len(feed.rows["accesses"])) < wanted.doubled
    copies = [_later(row, 30 * SECOND_US) for row, twice in zip(feed.rows["accesses"], doubled, strict=True) if twice]
    feed.rows["accesses"] = [*feed.rows["accesses"], *copies]
    feed.rows["heartbeats"] = [
        row for row in feed.rows["heartbeats"] if _outage(outages, row.source, row.received_at) is None
    ]
    feed.meta = msgspec.structs.replace(
        feed.meta,
        sources=[
            msgspec.structs.replace(source, lateness_s=_lateness(source.name, source.lateness_s, wanted))
            if source.kind == "contacts"
            else source
            for source in feed.meta.sources
        ],
    )


def telephony_outage(day_at: int, *, hours: float, lost: bool) -> Imperfections:
    """One outage of telephony, from ten o'clock of a day on."""
    from_at = day_at + 10 * HOUR_US
    outage = Outage(source="telephony", from_at=from_at, to_at=from_at + int(hours * HOUR_US), lost=lost)
    return replace(Imperfections(), outages=(outage,))


def _lateness(name: str, lateness_s: int, wanted: Imperfections) -> int:
    nightly = 86_400 + (BATCH_HOUR + 1) * 3_600 if name in wanted.nightly else 0
    return max(lateness_s + wanted.late_most_s, nightly)


def _random_outages(count: int, begin: int, end: int, chance: np.random.Generator) -> Iterable[Outage]:
    for _ in range(count):
        days = max(1, (end - begin) // DAY_US)
        from_at = begin + int(chance.integers(0, days)) * DAY_US + int(chance.uniform(8, 17) * HOUR_US)
        to_at = from_at + int(chance.uniform(0.25, 4.0) * HOUR_US)
        yield Outage(source="telephony", from_at=from_at, to_at=to_at, lost=bool(chance.random() < 0.5))


def _outage(outages: Iterable[Outage], source: str, at: int) -> Outage | None:
    return next((o for o in outages if o.source == source and o.from_at <= at < o.to_at), None)


def _spoiled(
    row: FeedRow, wanted: Imperfections, outages: Iterable[Outage], skew_us: int, chance: np.random.Generator
) -> list[FeedRow]:
    outage = _outage(outages, row.source, row.received_at)
    if outage is not None:
        if outage.lost:
            return []
        row = row._replace(received_at=outage.to_at + int(chance.integers(10, 900)) * SECOND_US)
    if row.source == "telephony":
        lost, wrong = chance.random(2) < (wanted.lost, wanted.wrong_number)
        if lost:
            return []
        if wrong and "phone" in row.value:
            customer = int(chance.integers(1, CUSTOMERS + 1))
            row = row._replace(value={**row.value, "phone": customer_phone(str(row.value["controller"]), customer)})
        if skew_us:
            row = row._replace(value=_shifted(row.value, skew_us))
    if row.source in wanted.nightly:
        next_day = row.received_at // DAY_US * DAY_US + DAY_US + BATCH_HOUR * HOUR_US
        row = row._replace(received_at=next_day + int(chance.integers(0, 15)) * MINUTE_US)
    elif chance.random() < wanted.late:
        row = _later(row, int(min(chance.exponential(wanted.late_most_s / 3), wanted.late_most_s) * SECOND_US))
    if chance.random() < wanted.doubled:
        return [row, _later(row, int(chance.integers(1, 3_600)) * SECOND_US)]
    return [row]


def _later(row: FeedRow, by_us: int) -> FeedRow:
    return row._replace(received_at=row.received_at + by_us)


def _shifted(value: dict[str, Any], by_us: int) -> dict[str, Any]:
    """The same row from a clock that is off: every past instant moves, legs too."""
    moved = {name: _move(each, by_us) if name in _INSTANTS else each for name, each in value.items()}
    moved["legs"] = [
        {name: _move(each, by_us) if name in {"from", "to"} else each for name, each in leg.items()}
        for leg in value.get("legs", [])
    ]
    return moved


def _move(at: str, by_us: int) -> str:
    return text(from_rfc3339(at) + by_us)
