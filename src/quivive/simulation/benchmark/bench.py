"""`quivive bench detection`: what detection finds of known misuse within a budget, and what it costs (issue 3 item 3).

Called by the command line. One centre a seed is generated, told and judged once; each campaign is added to a copy of
it. Must never print a figure without chance, interval and n, nor tune anything to what it finds.
"""

import math
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from quivive.detection.counts import DayCount
from quivive.detection.parameters import DetectionParameters
from quivive.model.clock import DAY_US, SECOND_US, from_rfc3339
from quivive.simulation.benchmark.feed import Campaign, FeedRow, Label, LabelledFeed, instant, read_feed
from quivive.simulation.benchmark.generate import COMPLETE, MEASURED, Options, ordinary_work, told_campaign
from quivive.simulation.benchmark.measures import AgentDay, Shares, chance_detection, shares, top_detection
from quivive.simulation.benchmark.misuse import Plan
from quivive.simulation.benchmark.peers import RawDay, has_pyod, peer_scores, raw_days
from quivive.simulation.benchmark.rows import feed_of
from quivive.simulation.benchmark.run import Judged, alert, counts_of, load, local_days, scores_of, with_campaign
from quivive.simulation.benchmark.work import Work

CAMPAIGN_DAYS: Final = 10
RATES: Final = (0.01,)
"""Alerts an agent-day: one per hundred."""
MODES: Final = {"idle": 1, "hidden": 25}
PRODUCT: Final = "Quivive, daily round"
RANKED: Final = "Quivive, counts ranked"
CHANCE: Final = "chance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured."""

    seeds: int = 2
    first_seed: int = 1
    days: int = 35
    agents: int = 30
    controllers: int = 3
    intensities: tuple[int, ...] = (8,)
    modes: tuple[str, ...] = ("idle", "hidden")
    profile: str = MEASURED
    rates: tuple[float, ...] = RATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one detector did with one campaign at one rate. `day` counts from 1, 0 when it was not found."""

    detector: str
    mode: str
    per_day: int
    rate: float
    found: float
    day: int = 0
    exposed: int = 0
    opened: int = 0
    opened_false: int = 0
    agent_days: int = 0


@dataclass(slots=True, kw_only=True)
class Results:
    """Everything measured, before it is summed up."""

    scale: Scale
    shares: dict[str, list[Shares]] = field(default_factory=lambda: defaultdict(list))
    found: list[Found] = field(default_factory=list)
    quiet_alerts: dict[float, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By rate: false alerts of the product per 1,000 agent-days of each seed without any campaign."""
    peers: bool = False
    """Whether the peers of PyOD were installed."""
    skipped: int = 0
    """Campaigns that no agent could act."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """Days of one campaign and who acts."""

    days: tuple[str, ...]
    idents: frozenset[str]
    accesses: Mapping[str, int]  # by day
    agent_days: Mapping[str, int]

    def guilty(self, name: AgentDay) -> bool:
        return name[0] in self.idents and name[1] in self.days

    def outcome(self, day: str) -> tuple[int, int]:
        """Day of the campaign (from 1) and records exposed up to the end of it."""
        if not day:
            return 0, sum(self.accesses.values())
        return self.days.index(day) + 1, sum(n for each, n in self.accesses.items() if each <= day)


def bench(scale: Scale, *, tell: Callable[[str], None] = lambda _: None) -> Results:
    """Measure over generated centres."""
    results = Results(scale=scale, peers=has_pyod())
    started = time.monotonic()
    for seed in range(scale.first_seed, scale.first_seed + scale.seeds):
        folder = Path(tempfile.mkdtemp(prefix="quivive-bench-"))
        try:
            _seed(results, scale, seed, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        results.seconds = time.monotonic() - started
        tell(f"seed {seed}: {results.seconds:.0f} s")
    return results


def bench_feed(folder: Path, *, rates: tuple[float, ...] = RATES) -> Results:
    """Measure a labelled feed of whatever origin: its shares, and each of its campaigns."""
    feed = read_feed(folder)
    scale = Scale(seeds=1, days=len(local_days(feed.meta)), profile=str(feed.meta.parameters.get("profile", "feed")))
    scale = replace(
        scale,
        rates=rates,
        agents=len({row.value["id"] for row in feed.rows["directory"]}),
        controllers=len(feed.meta.controllers),
        intensities=tuple(sorted({campaign.per_day for campaign in feed.campaigns})),
        modes=tuple(sorted({campaign.mode for campaign in feed.campaigns})),
    )
    results = Results(scale=scale, peers=has_pyod())
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="quivive-bench-") as home:
        judged = load(feed, Path(home) / "feed")
        results.shares[scale.profile].append(shares(feed, judged.carrier.keys, judged.projection))
        raw = raw_days(feed.meta, feed.rows, judged.carrier.keys)
        for campaign in feed.campaigns:
            window = _window(judged, [campaign], feed.rows["accesses"], feed.labels)
            _detect(results, judged, window, raw, mode=campaign.mode, per_day=campaign.per_day, seed=1)
        judged.close()
    results.seconds = time.monotonic() - started
    return results


def measure_shares(results: Results, *, seeds: Iterable[int], scale: Scale) -> None:
    """Shares of complete and of measured feeds, without misuse."""
    for profile in (COMPLETE, MEASURED):
        for seed in seeds:
            with tempfile.TemporaryDirectory(prefix="quivive-bench-") as home:
                feed = _ordinary(replace(scale, profile=profile), seed)[1]
                judged = load(feed, Path(home) / "feed")
                results.shares[profile].append(shares(feed, judged.carrier.keys, judged.projection))
                judged.close()


def _ordinary(scale: Scale, seed: int) -> tuple[Work, LabelledFeed]:
    options = Options(
        seed=seed, days=scale.days, agents=scale.agents, controllers=scale.controllers, profile=scale.profile
    )
    work = ordinary_work(options)
    return work, feed_of(work, {"seed": seed, "profile": scale.profile}, np.random.default_rng((seed, 5)))


def _seed(results: Results, scale: Scale, seed: int, folder: Path) -> None:
    """One centre: without misuse first, then with one campaign at a time over the last days."""
    work, feed = _ordinary(scale, seed)
    base = load(feed, folder / "base")
    results.shares[scale.profile].append(shares(feed, base.carrier.keys, base.projection))
    _quiet(results, base, scale)
    base.close()
    raw = raw_days(feed.meta, feed.rows, base.carrier.keys)
    length = min(CAMPAIGN_DAYS, scale.days)
    for number, (mode, per_day) in enumerate(((m, n) for m in scale.modes for n in scale.intensities), start=1):
        plan = Plan(scenario=MODES[mode], per_day=per_day, mode=mode, from_day=scale.days - length, days=length)
        try:
            misuse, told = told_campaign(work, plan, number, seed)
        except ValueError:
            results.skipped += 1
            continue
        judged = with_campaign(base, told, folder / f"campaign-{number}")
        both = deepcopy(raw)
        merged = raw_days(
            feed.meta,
            {"directory": feed.rows["directory"], "contacts": told.contacts, "accesses": told.accesses},
            base.carrier.keys,
        )
        for name, day in merged.items():
            both.setdefault(name, RawDay()).add(day)
        window = _window(judged, misuse.campaigns, told.accesses, told.labels)
        _detect(results, judged, window, both, mode=mode, per_day=per_day, seed=seed)
        judged.close()
        shutil.rmtree(judged.projection.folder, ignore_errors=True)


def _quiet(results: Results, judged: Judged, scale: Scale) -> None:
    """False alerts of the product where nobody misuses anything."""
    days = local_days(judged.meta)[-CAMPAIGN_DAYS:]
    agent_days = _agent_days(counts_of(judged), days)
    total = sum(agent_days.values())
    for rate in scale.rates:
        outcome = alert(judged, days, agent_days, rate=rate, parameters=DetectionParameters())
        if total:
            results.quiet_alerts[rate].append(1_000 * len(outcome.opened) / total)


def _agent_days(counts: Sequence[DayCount], days: Sequence[str]) -> dict[str, int]:
    names = {(count.ident, count.day) for count in counts}
    return {day: sum(each[1] == day for each in names) for day in days}


def _window(
    judged: Judged, campaigns: Sequence[Campaign], accesses: Sequence[FeedRow], labels: Sequence[Label]
) -> _Window:
    """Where the campaigns lie. Reads the truth; no detector sees it."""
    zone = ZoneInfo(judged.meta.timezone)
    begin = min(instant(campaign.from_at) for campaign in campaigns)
    end = max(instant(campaign.to_at) for campaign in campaigns)
    days = tuple(dict.fromkeys(_day(at, zone) for at in range(begin + DAY_US // 2, end, DAY_US)))
    ids = {campaign.id for campaign in campaigns}
    own = {(label.source, label.access) for label in labels if label.campaign in ids}
    exposed: Counter[str] = Counter()
    for row in accesses:
        if (row.source, str(row.value["id"])) in own:
            exposed[_day(from_rfc3339(str(row.value["at"])), zone)] += len(row.value.get("records", ()))
    return _Window(
        days=days,
        idents=frozenset(judged.carrier.keys.person(campaign.agent) for campaign in campaigns),
        accesses=exposed,
        agent_days=_agent_days(counts_of(judged), days),
    )


def _day(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at // SECOND_US, tz=zone).strftime("%Y%m%d")


def _detect(
    results: Results,
    judged: Judged,
    window: _Window,
    raw: Mapping[AgentDay, RawDay],
    *,
    mode: str,
    per_day: int,
    seed: int,
) -> None:
    """Every detector on the same agent-days, then the product's own daily round."""
    counts = counts_of(judged)
    parameters = DetectionParameters(timezone=judged.meta.timezone)
    ranked: dict[AgentDay, float] = {(c.ident, c.day): 0.0 for c in counts if c.day in window.days}
    for (_, ident, day), score in scores_of(counts, window.days, parameters).items():
        ranked[ident, day] = max(ranked.get((ident, day), 0.0), -math.log(score.p))
    known = {name: each for name, each in raw.items() if name in ranked or name[1] not in window.days}
    every = {RANKED: ranked, **peer_scores(known, counts, window.days, seed=seed)}
    total = sum(window.agent_days.values())

    def told(detector: str, rate: float, found: float, day: str = "", opened: int = 0, false: int = 0) -> None:
        number, exposed = window.outcome(day)
        results.found.append(
            Found(
                detector=detector,
                mode=mode,
                per_day=per_day,
                rate=rate,
                found=found,
                day=number,
                exposed=exposed,
                opened=opened,
                opened_false=false,
                agent_days=total,
            )
        )

    for rate in results.scale.rates:
        for detector, scores in every.items():
            found, day = top_detection(scores, window.guilty, rate=rate, seed=seed)
            told(detector, rate, float(found), day)
        told(CHANCE, rate, chance_detection(ranked, window.guilty, rate=rate, seed=seed))
        outcome = alert(judged, window.days, window.agent_days, rate=rate, parameters=parameters)
        days = [o.day for o in (*outcome.opened, *outcome.joined) if window.guilty((o.hit.ident, o.day))]
        false = sum(not window.guilty((o.hit.ident, o.day)) for o in outcome.opened)
        told(PRODUCT, rate, float(bool(days)), min(days, default=""), len(outcome.opened), false)
