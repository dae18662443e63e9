"""Judges a labelled feed with the product's own parts: mappers, projection, explanation, statistics, budget.

Called by `quivive bench detection`. Only spool and ledger are bypassed. Must never give a detector the truth; what
compares with it is in `measures.py`.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from quivive.detection.counts import DayCount, day_counts
from quivive.detection.daily import daily
from quivive.detection.judge import ControllerJudging, JudgeSettings, judge
from quivive.detection.parameters import DetectionParameters
from quivive.detection.residual import DayScore, score_day
from quivive.model.alert import Switch
from quivive.model.clock import DAY_US, HOUR_US, SECOND_US
from quivive.projection.projection import Projection
from quivive.simulation.benchmark.feed import FeedMeta, LabelledFeed, instant
from quivive.simulation.benchmark.load import Arrival, Carrier

SILENT_AFTER_S: Final = 3 * 3_600
MORNING_US: Final = 6 * HOUR_US
"""Daily detection runs so long after local midnight, once the lateness of the sources has passed."""
SWITCHES: Final = frozenset({Switch.RESIDUAL, Switch.LOW_AND_SLOW, Switch.CANARIES})
_DIRTY: Final = ("dirty_access", "dirty_contact", "dirty_key", "dirty_agent")


@dataclass(slots=True)
class Judged:
    """A projection filled from a feed, all its accesses judged for good."""

    meta: FeedMeta
    carrier: Carrier
    projection: Projection
    as_of: int

    @property
    def controllers(self) -> tuple[str, ...]:
        """Ids in order."""
        return tuple(controller.id for controller in self.meta.controllers)

    @property
    def settings(self) -> JudgeSettings:
        """How the feed's accesses become final."""
        return judging_of(self.meta)

    def close(self) -> None:
        """Close the projection."""
        self.projection.close()


def judging_of(meta: FeedMeta) -> JudgeSettings:
    """Build the settings of the judgement from what a feed's sources declare."""
    judging = {}
    for controller in meta.controllers:
        sources = [s for s in meta.sources if s.kind == "contacts" and controller.id in s.controllers]
        judging[controller.id] = ControllerJudging(
            contact_sources=tuple(source.name for source in sources),
            lateness_s=max((source.lateness_s for source in sources), default=0),
            silent_after_s=SILENT_AFTER_S,
        )
    return JudgeSettings(controllers=judging)


def load(feed: LabelledFeed, folder: Path) -> Judged:
    """Take a whole feed in order of reception, then judge every day as of its end."""
    carrier = Carrier.of(feed.meta, feed.rows["directory"])
    projection = Projection.open(folder)
    arrivals = carrier.arrivals(feed.rows)
    carrier.feed(projection, carrier.opening(feed.rows["directory"]))
    carrier.feed(projection, arrivals)
    end = max([instant(feed.meta.to_at), *(arrival.received_at for arrival in arrivals[-1:])])
    judged = Judged(feed.meta, carrier, projection, end)
    judge_days(judged, instant(feed.meta.from_at), instant(feed.meta.to_at) + DAY_US, as_of=end)
    forget_arrivals(projection)
    return judged


def reopened(base: Judged, folder: Path) -> Judged:
    """Copy a judged feed whose projection is closed."""
    shutil.copytree(base.projection.folder, folder)
    return Judged(base.meta, base.carrier.copy(), Projection.open(folder), base.as_of)


def judge_days(judged: Judged, from_at: int, to_at: int, *, as_of: int) -> None:
    """Judge day by day, as the product does: steps stay as small as a day."""
    settings = judged.settings
    for start in range(from_at, to_at, DAY_US):
        judge(judged.projection, settings, from_at=start, to_at=min(start + DAY_US, to_at), as_of=as_of)


def forget_arrivals(projection: Projection) -> None:
    """Everything is judged: what the live judgement would follow up is empty."""
    cursor = projection.cursor()
    for table in _DIRTY:
        cursor.execute(f"DELETE FROM {table}")
    cursor.execute("CHECKPOINT")
    cursor.close()


def local_days(meta: FeedMeta) -> list[str]:
    """Local days of a feed, `yyyymmdd`."""
    zone = ZoneInfo(meta.timezone)
    begin, end = instant(meta.from_at), instant(meta.to_at)
    noons = range(begin + DAY_US // 2, end, DAY_US)
    return list(dict.fromkeys(datetime.fromtimestamp(at // SECOND_US, tz=zone).strftime("%Y%m%d") for at in noons))


def counts_of(judged: Judged) -> tuple[DayCount, ...]:
    """Counts of every agent-day of the feed."""
    days = local_days(judged.meta)
    return day_counts(
        judged.projection,
        controllers=judged.controllers,
        from_day=days[0],
        to_day=days[-1],
        timezones=dict.fromkeys(judged.controllers, judged.meta.timezone),
    )


def scores_of(
    counts: Sequence[DayCount], days: Sequence[str], parameters: DetectionParameters
) -> dict[tuple[str, str, str], DayScore]:
    """Score each agent-day of these days by (controller, ident, day), each against the days before it alone."""
    scores = {}
    for controller in sorted({count.controller for count in counts}):
        own = [count for count in counts if count.controller == controller]
        for day in days:
            history = [count for count in own if count.day <= day]
            for score in score_day(history, day, parameters.residual):
                scores[controller, score.count.ident, day] = score
    return scores


def progressive(
    feed: LabelledFeed, folder: Path, days: Sequence[str], parameters: DetectionParameters
) -> tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]]:
    """Hits (ident, topic, day) as each morning finds them, then as the end of the feed finds them."""
    carrier = Carrier.of(feed.meta, feed.rows["directory"])
    projection = Projection.open(folder)
    carrier.feed(projection, carrier.opening(feed.rows["directory"]))
    arrivals = carrier.arrivals(feed.rows)
    end = max(instant(feed.meta.to_at), arrivals[-1].received_at)
    judged = Judged(feed.meta, carrier, projection, end)
    begin = instant(feed.meta.from_at)
    lateness_us = max(s.lateness_s for s in feed.meta.sources) * SECOND_US
    taken = 0
    morning: set[tuple[str, str, str]] = set()
    for number, day in enumerate(local_days(feed.meta)):
        as_of = begin + (number + 1) * DAY_US + max(MORNING_US, lateness_us + HOUR_US)
        until = _until(arrivals, as_of)
        carrier.feed(projection, arrivals[taken:until])
        taken = max(taken, until)
        judge(projection, judged.settings, from_at=as_of - 4 * DAY_US, to_at=as_of, as_of=as_of)
        forget_arrivals(projection)
        if day in days:
            morning |= _hits(replace(judged, as_of=as_of), [day], parameters)
    carrier.feed(projection, arrivals[taken:])
    judge_days(judged, begin, end, as_of=end)
    final = _hits(judged, days, parameters)
    judged.close()
    return morning, final


def _until(arrivals: Sequence[Arrival], at: int) -> int:
    return next((place for place, arrival in enumerate(arrivals) if arrival.received_at > at), len(arrivals))


def _hits(judged: Judged, days: Sequence[str], parameters: DetectionParameters) -> set[tuple[str, str, str]]:
    found = set()
    for day in days:
        for controller in judged.controllers:
            outcome = daily(
                judged.projection,
                rules=(),
                switches=SWITCHES,
                parameters=replace(parameters, timezone=judged.meta.timezone),
                controller=controller,
                day=day,
                as_of=judged.as_of,
            )
            found |= {(hit.ident, hit.topic, day) for hit in outcome.hits}
    return found
