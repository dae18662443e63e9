"""One generated centre, judged once without misuse and once with every campaign: what the detectors are then given.

Called by `bench.py`; kept as one line of a file a centre (`--evidence`), so that an interruption loses nothing and a
changed formula need not judge again. Campaigns of different agents touch nobody else's verdicts, so all are judged
together and each is later looked at alone: its agents' counts in the place of their ordinary ones. Must never give a
detector the truth, nor hold a key of anything real.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from quivive.detection import rules as rule_engine
from quivive.detection.counts import DayCount, HourCount, hour_counts
from quivive.detection.rules.load import shipped_rules
from quivive.model.alert import Hit, Switch
from quivive.model.clock import DAY_US, SECOND_US, from_rfc3339
from quivive.simulation.benchmark.feed import Campaign, FeedRow, Label, LabelledFeed, instant
from quivive.simulation.benchmark.generate import Options, ordinary_work, told_campaign
from quivive.simulation.benchmark.measures import Shares, shares
from quivive.simulation.benchmark.misuse import Misuse, Plan
from quivive.simulation.benchmark.peers import RawDay, raw_days
from quivive.simulation.benchmark.rows import Told, feed_of
from quivive.simulation.benchmark.run import Judged, counts_of, judge_days, load, local_days, reopened
from quivive.simulation.benchmark.work import Work

CAMPAIGN_DAYS: Final = 10
MARGIN_DAYS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A campaign that is wanted: scenario of the catalogue, mode, records a day."""

    scenario: int
    mode: str
    per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCount:
    """Features of one agent-day without any explanation (`RawDay.features`)."""

    ident: str
    day: str
    features: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """One campaign: the truth (`idents`, `exposed` records by day) and what its agents' days became.

    `instants`: when each record was exposed, for the time to a rule's alert.
    """

    intent: Intent
    idents: tuple[str, ...]
    days: tuple[str, ...]
    exposed: dict[str, int]
    instants: tuple[tuple[int, int], ...]
    counts: tuple[DayCount, ...]
    hours: tuple[HourCount, ...]
    raw: tuple[RawCount, ...]
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything measured of one centre."""

    seed: int
    profile: str
    timezone: str
    days: tuple[str, ...]
    agents: int
    counts: tuple[DayCount, ...]
    hours: tuple[HourCount, ...]
    raw: tuple[RawCount, ...]
    hits: tuple[Hit, ...]
    shares: Shares
    groups: dict[str, tuple[str, ...]]
    """Idents by staff group."""
    acted: tuple[Acted, ...] = ()
    skipped: int = 0
    without_misuse: bool = True
    """Whether `counts` and the rest are those of the centre without any campaign."""


def gather(options: Options, intents: Sequence[Intent]) -> Evidence:
    """Generate, tell and judge one centre."""
    home = Path(tempfile.mkdtemp(prefix="quivive-bench-"))
    try:
        return _gather(options, intents, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def kept(path: Path) -> list[Evidence]:
    """Read a file of evidence; a last line that was cut is left out."""
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            found.append(msgspec.json.decode(line, type=Evidence))
        except msgspec.DecodeError:
            continue
    return found


def keep(path: Path, evidence: Evidence) -> None:
    """Add one line."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(evidence) + b"\n")


def of_feed(feed: LabelledFeed) -> Evidence:
    """Judge a feed of whatever origin as it is: its campaigns are in it, so nothing tells how it were without."""
    with tempfile.TemporaryDirectory(prefix="quivive-bench-") as home:
        judged = load(feed, Path(home) / "feed")
        days = local_days(feed.meta)[-CAMPAIGN_DAYS:]
        seen = _After(counts_of(judged), hours_of(judged, days), rule_hits(judged, days))
        share = shares(feed, judged.carrier.keys, judged.projection)
        judged.close()
    plain = raw_days(feed.meta, feed.rows, judged.carrier.keys)
    return _evidence(
        feed,
        judged,
        Options(seed=1, agents=len({row.value["id"] for row in feed.rows["directory"]})),
        seen,
        plain,
        share,
        acted=tuple(_of_campaign(feed, judged, campaign, seen, plain) for campaign in feed.campaigns),
        without_misuse=False,
    )


def _of_campaign(
    feed: LabelledFeed, judged: Judged, campaign: Campaign, seen: "_After", plain: dict[tuple[str, str], RawDay]
) -> Acted:
    intent = Intent(scenario=campaign.scenario, mode=campaign.mode, per_day=campaign.per_day)
    told = exposures(feed, (campaign,), feed.rows["accesses"], feed.labels)
    idents = frozenset((judged.carrier.keys.person(campaign.agent),))
    own = {name: day for name, day in plain.items() if name[0] in idents}
    return _seen(feed, intent, idents, told, own, seen)


def _gather(options: Options, intents: Sequence[Intent], home: Path) -> Evidence:
    work = ordinary_work(options)
    feed = feed_of(work, {"seed": options.seed, "profile": options.profile}, np.random.default_rng((options.seed, 5)))
    base = load(feed, home / "base")
    share = shares(feed, base.carrier.keys, base.projection)
    days = local_days(feed.meta)[-CAMPAIGN_DAYS:]
    seen = _After(counts_of(base), hours_of(base, days), rule_hits(base, days))
    base.close()
    plain = raw_days(feed.meta, feed.rows, base.carrier.keys)
    misuses, skipped = _misuses(work, options, intents)
    judged = _acting(base, [told for _, _, told in misuses], home / "acted")
    after = _After(counts_of(judged), hours_of(judged, days), rule_hits(judged, days))
    judged.close()
    acted = tuple(_acted(feed, judged, intent, misuse, told, plain, after) for intent, misuse, told in misuses)
    return _evidence(feed, base, options, seen, plain, share, acted=acted, skipped=skipped)


def _evidence(
    feed: LabelledFeed,
    judged: Judged,
    options: Options,
    seen: "_After",
    plain: dict[tuple[str, str], RawDay],
    share: Shares,
    *,
    acted: tuple[Acted, ...],
    skipped: int = 0,
    without_misuse: bool = True,
) -> Evidence:
    return Evidence(
        seed=options.seed,
        profile=str(feed.meta.parameters.get("profile", options.profile)),
        timezone=feed.meta.timezone,
        days=tuple(local_days(feed.meta)[-CAMPAIGN_DAYS:]),
        agents=options.agents,
        counts=seen.counts,
        hours=seen.hours,
        raw=_raw_counts(plain),
        hits=seen.hits,
        shares=share,
        groups={
            name: tuple(judged.carrier.keys.person(each) for each in members)
            for name, members in feed.meta.groups.items()
        },
        acted=acted,
        skipped=skipped,
        without_misuse=without_misuse,
    )


@dataclass(frozen=True, slots=True)
class _After:
    """What became of the centre with every campaign."""

    counts: tuple[DayCount, ...]
    hours: tuple[HourCount, ...]
    hits: tuple[Hit, ...]


def _misuses(work: Work, options: Options, intents: Sequence[Intent]) -> tuple[list[tuple[Intent, Misuse, Told]], int]:
    """Let each campaign be acted by agents of its own."""
    made, skipped = list[tuple[Intent, Misuse, Told]](), 0
    taken: set[str] = set()
    length = min(CAMPAIGN_DAYS, options.days)
    for number, intent in enumerate(intents, start=1):
        plan = Plan(
            scenario=intent.scenario,
            per_day=intent.per_day,
            mode=intent.mode,
            from_day=options.days - length,
            days=length,
            sparing=frozenset(taken),
        )
        try:
            misuse, told = told_campaign(work, plan, number, options.seed)
        except ValueError:
            skipped += 1
            continue
        taken |= {campaign.agent for campaign in misuse.campaigns}
        made.append((intent, misuse, told))
    return made, skipped


def _acting(base: Judged, told: Sequence[Told], folder: Path) -> Judged:
    """Judge a copy of the centre in which every campaign is acted."""
    judged = reopened(base, folder)
    rows = {name: [row for each in told for row in getattr(each, name)] for name in ("links", "contacts", "accesses")}
    judged.carrier.feed(judged.projection, judged.carrier.arrivals(rows))
    end = instant(base.meta.to_at)
    judge_days(judged, end - (CAMPAIGN_DAYS + MARGIN_DAYS) * DAY_US, end + DAY_US, as_of=base.as_of)
    return judged


def _acted(
    feed: LabelledFeed,
    judged: Judged,
    intent: Intent,
    misuse: Misuse,
    told: Told,
    plain: dict[tuple[str, str], RawDay],
    after: _After,
) -> Acted:
    keys = judged.carrier.keys
    idents = frozenset(keys.person(campaign.agent) for campaign in misuse.campaigns)
    exposed = exposures(feed, misuse.campaigns, told.accesses, told.labels)
    rows = {"directory": feed.rows["directory"], "contacts": told.contacts, "accesses": told.accesses}
    more = raw_days(feed.meta, rows, keys)
    for name, day in more.items():
        day.add(plain.get(name, RawDay()))
    return _seen(feed, intent, idents, exposed, more, after)


def _seen(
    feed: LabelledFeed,
    intent: Intent,
    idents: AbstractSet[str],
    exposed: tuple[tuple[str, ...], tuple[tuple[int, int], ...]],
    raw: dict[tuple[str, str], RawDay],
    after: _After,
) -> Acted:
    """One campaign with what its agents' days became."""
    days, instants = exposed
    zone = ZoneInfo(feed.meta.timezone)
    by_day: Counter[str] = Counter()
    for at, records in instants:
        by_day[local_date(at, zone)] += records
    return Acted(
        intent=intent,
        idents=tuple(sorted(idents)),
        days=days,
        exposed=dict(by_day),
        instants=instants,
        counts=tuple(count for count in after.counts if count.ident in idents),
        hours=tuple(hour for hour in after.hours if hour.ident in idents),
        raw=_raw_counts(raw),
        hits=tuple(hit for hit in after.hits if hit.ident in idents),
    )


def exposures(
    feed: LabelledFeed, campaigns: Sequence[Campaign], accesses: Sequence[FeedRow], labels: Sequence[Label]
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Local days of campaigns, and (instant, records) of their accesses. Reads the truth; no detector sees it."""
    zone = ZoneInfo(feed.meta.timezone)
    begin = min(instant(campaign.from_at) for campaign in campaigns)
    end = max(instant(campaign.to_at) for campaign in campaigns)
    days = tuple(dict.fromkeys(local_date(at, zone) for at in range(begin + DAY_US // 2, end, DAY_US)))
    ids = {campaign.id for campaign in campaigns}
    own = {(label.source, label.access) for label in labels if label.campaign in ids}
    instants = [
        (from_rfc3339(str(row.value["at"])), len(row.value.get("records", ())) or int(row.value.get("rows", 0)))
        for row in accesses
        if (row.source, str(row.value["id"])) in own
    ]
    return days, tuple(sorted(instants))


def local_date(at: int, zone: ZoneInfo) -> str:
    """Local day `yyyymmdd` of an instant."""
    return datetime.fromtimestamp(at // SECOND_US, tz=zone).strftime("%Y%m%d")


def hours_of(judged: Judged, days: Sequence[str]) -> tuple[HourCount, ...]:
    """Counts by hour of some days."""
    return tuple(
        hour
        for controller in judged.controllers
        for day in days
        for hour in hour_counts(judged.projection, controller=controller, day=day, timezone=judged.meta.timezone)
    )


def rule_hits(judged: Judged, days: Sequence[str]) -> tuple[Hit, ...]:
    """Hits of the shipped rules over some days, without the accesses they list."""
    end = instant(judged.meta.to_at) + DAY_US
    found = rule_engine.hits(
        judged.projection,
        shipped_rules(),
        controllers=judged.controllers,
        from_at=end - (len(days) + 2) * DAY_US,
        to_at=end,
        as_of=judged.as_of,
        certain_only=False,
        switches=frozenset(Switch),
        timezones=dict.fromkeys(judged.controllers, judged.meta.timezone),
    )
    wanted: AbstractSet[str] = frozenset(days)
    return tuple(replace(hit, accesses=()) for hit in found if hit.day in wanted)


def _raw_counts(days: dict[tuple[str, str], RawDay]) -> tuple[RawCount, ...]:
    return tuple(
        RawCount(ident=ident, day=day, features=each.features()) for (ident, day), each in sorted(days.items())
    )
