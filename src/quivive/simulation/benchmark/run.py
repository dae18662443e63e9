"""Judges a labelled feed with the product's own parts: mappers, projection, explanation, statistics, budget.

Called by `quivive bench detection`. Only spool and ledger are bypassed. Must never give a detector the truth; what
compares with it is in `measures.py`.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from quivive.detection.budget import Capacity, OpenAlert, alert_id, allot
from quivive.detection.counts import DayCount, day_counts
from quivive.detection.daily import daily
from quivive.detection.judge import ControllerJudging, JudgeSettings, judge, judge_live
from quivive.detection.parameters import DetectionParameters
from quivive.detection.residual import DayScore, score_day
from quivive.model.alert import Hit, Switch
from quivive.model.clock import DAY_US, HOUR_US, SECOND_US
from quivive.projection.projection import Projection
from quivive.simulation.benchmark.feed import FeedMeta, LabelledFeed, instant
from quivive.simulation.benchmark.load import Arrival, Carrier
from quivive.simulation.benchmark.rows import Told

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


@dataclass(slots=True, kw_only=True)
class Opened:
    """One alert of the product: who, on which day it was opened, its hit."""

    day: str
    hit: Hit


@dataclass(slots=True, kw_only=True)
class Alerting:
    """What the product's daily round did over a stretch of days."""

    opened: list[Opened] = field(default_factory=list)
    joined: list[Opened] = field(default_factory=list)
    incidents: int = 0
    hits: int = 0
    budget: float = 0.0
    overruns: int = 0


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


def with_campaign(base: Judged, told: Told, folder: Path) -> Judged:
    """Copy a judged feed whose projection is closed, add one campaign, judge what it touches."""
    shutil.copytree(base.projection.folder, folder)
    projection = Projection.open(folder)
    carrier = base.carrier.copy()
    rows = {"links": told.links, "contacts": told.contacts, "accesses": told.accesses}
    carrier.feed(projection, carrier.arrivals(rows))
    judge_live(projection, judging_of(base.meta), as_of=base.as_of)
    return Judged(base.meta, carrier, projection, base.as_of)


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


def alert(
    judged: Judged,
    days: Sequence[str],
    agent_days: Mapping[str, int],
    *,
    rate: float,
    parameters: DetectionParameters,
) -> Alerting:
    """Run the product's daily round over some days with a budget of `rate` alerts an agent-day.

    A centre of thirty agents affords an alert on some days only: what a day does not use is kept for the next.
    """
    outcome = Alerting()
    tokens = 1.0
    standing: list[OpenAlert] = []
    for day in days:
        tokens += rate * agent_days.get(day, 0)
        outcome.budget += rate * agent_days.get(day, 0)
        hits: list[Hit] = []
        alerted = frozenset((o.hit.ident, o.day) for o in (*outcome.opened, *outcome.joined))
        for controller in judged.controllers:
            found = daily(
                judged.projection,
                rules=(),
                switches=SWITCHES,
                parameters=replace(parameters, timezone=judged.meta.timezone),
                controller=controller,
                day=day,
                as_of=judged.as_of,
                alerted=alerted,
            )
            hits += found.hits
            outcome.incidents += len(found.incidents)
        capacity = Capacity(reviewers=1, alerts_per_reviewer_day=int(tokens), audit_share_percent=0)
        allotted = allot(hits, open_alerts=standing, capacity=capacity, seed=day.encode())
        outcome.hits += len(hits)
        outcome.overruns += int(len(allotted.opened) > int(tokens))
        tokens -= len(allotted.opened)
        outcome.opened += [Opened(day=day, hit=hit) for hit in allotted.opened]
        outcome.joined += [Opened(day=day, hit=joined.hit) for joined in allotted.joined]
        standing += [
            OpenAlert(alert=alert_id(h), controller=h.controller, ident=h.ident, topic=h.topic) for h in allotted.opened
        ]
    return outcome


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
