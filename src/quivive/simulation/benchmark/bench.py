"""`quivive bench detection`: what detection finds of known misuse within a budget, and what it costs (issue 3 item 3).

Called by the command line. Each centre is judged by `evidence.py`; every detector is then given the same agent-days.
Must never print a figure without chance, interval and n, nor tune anything to what it finds.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from scipy.stats import false_discovery_control

from quivive.detection.budget import Capacity, OpenAlert, alert_id, allot
from quivive.detection.counts import DayCount, HourCount, local_day
from quivive.detection.daily import LOW_AND_SLOW, RESIDUAL, residual_facts
from quivive.detection.day_statistics import DayStatistics, day_statistics
from quivive.detection.parameters import DetectionParameters
from quivive.detection.peers import PeerGroup, peer_groups
from quivive.detection.residual import training_days
from quivive.detection.rules.load import shipped_rules
from quivive.model.alert import AlertOrigin, Fact, Hit, Severity
from quivive.simulation.benchmark.evidence import (
    Acted,
    Evidence,
    Intent,
    gather,
    keep,
    kept,
    of_feed,
)
from quivive.simulation.benchmark.feed import read_feed
from quivive.simulation.benchmark.generate import MEASURED, Options
from quivive.simulation.benchmark.measures import AgentDay, chance_detection, top_detection
from quivive.simulation.benchmark.peers import has_pyod, peer_scores

RATES: Final = (0.005, 0.01, 0.02)
"""Alerts an agent-day: one per two hundred, hundred and fifty."""
PRODUCT: Final = "Quivive, daily round"
RANKED: Final = "Quivive, score ranked"
RULES: Final = "Quivive, shipped rules"
CHANCE: Final = "chance"
CHANCE_DRAWS: Final = 50
PEERED: Final = frozenset({1, 25})
"""Scenarios on which the general detectors are run: they take most of the time. On the others only ours and chance."""
INTENTS: Final = tuple(
    Intent(scenario=scenario, mode=mode, per_day=per_day)
    for scenario, mode, per_day in (
        *((1, "idle", n) for n in (8, 3, 8, 3, 1, 20, 60)),
        *((25, "hidden", n) for n in (8, 8, 3, 20, 60)),
        *((1, "burst", 60), (2, "idle", 8), (18, "idle", 8), (26, "tickets", 8), (24, "calls", 8)),
        *((20, "off_shift", 8), (3, "wildcard", 2), (30, "export", 2), (32, "idle", 1), (39, "revert", 3)),
        (23, "idle", 4),
    )
)
"""Scenarios of the catalogue, those of the targets twice: each is acted by agents of its own in the same centre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured. One controller: in three, no peer group of thirty agents is large enough."""

    seeds: int = 2
    first_seed: int = 1
    days: int = 28
    agents: int = 30
    controllers: int = 1
    intents: tuple[Intent, ...] = INTENTS
    profile: str = MEASURED
    rates: tuple[float, ...] = RATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one detector did with one campaign at one rate. `day` counts from 1, 0 when it was not found.

    exposed: records shown up to the alert, all of the campaign when there was none.
    """

    detector: str
    seed: int
    intent: Intent
    rate: float
    found: float
    day: int = 0
    exposed: int = 0
    campaign: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A centre without misuse: agent-days, alerts by rate, and the p-value of every agent-day by staff group."""

    seed: int
    agent_days: int
    opened: Mapping[float, int]
    low_and_slow: int
    incidents: int
    rules: Mapping[str, int]
    p_by_group: Mapping[str, tuple[float, ...]]
    p_of_agent: Mapping[str, float]
    """Least p-value of each agent over the days: who would be alerted first."""


@dataclass(slots=True, kw_only=True)
class Results:
    """Everything measured, before it is summed up."""

    scale: Scale
    evidence: list[Evidence] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)
    p_of_campaign: list[tuple[int, Intent, float]] = field(default_factory=list)
    """(seed, intent, least p-value of its agents' days)."""
    peers: bool = False
    """Whether the peers of PyOD were installed."""
    seconds: float = 0.0


def bench(scale: Scale, *, file: Path | None = None, tell: Callable[[str], None] = lambda _: None) -> Results:
    """Measure over generated centres; those that `file` holds already are not generated again."""
    results = Results(scale=scale, peers=has_pyod())
    started = time.monotonic()
    known = {each.seed: each for each in (kept(file) if file else ()) if each.profile == scale.profile}
    for seed in range(scale.first_seed, scale.first_seed + scale.seeds):
        evidence = known.get(seed)
        if evidence is None:
            options = Options(
                seed=seed,
                days=scale.days,
                agents=scale.agents,
                controllers=scale.controllers,
                profile=scale.profile,
            )
            evidence = gather(options, scale.intents)
            if file is not None:
                keep(file, evidence)
        detect(results, evidence)
        results.seconds = time.monotonic() - started
        tell(f"seed {seed}: {results.seconds:.0f} s")
    return results


def bench_feed(folder: Path, *, rates: tuple[float, ...] = RATES) -> Results:
    """Measure a labelled feed of whatever origin: its shares, and each of its campaigns."""
    started = time.monotonic()
    evidence = of_feed(read_feed(folder))
    scale = Scale(
        seeds=1,
        days=len(evidence.days),
        profile=evidence.profile,
        rates=rates,
        agents=evidence.agents,
        controllers=len({count.controller for count in evidence.counts}),
        intents=tuple(each.intent for each in evidence.acted),
    )
    results = Results(scale=scale, peers=has_pyod())
    detect(results, evidence)
    results.seconds = time.monotonic() - started
    return results


def detect(results: Results, evidence: Evidence) -> None:
    """Give one centre to every detector: without misuse, then each campaign alone."""
    results.evidence.append(evidence)
    centre = _Centre(evidence)
    if evidence.without_misuse:
        results.quiet.append(_quiet(centre, results.scale.rates))
    for acted in evidence.acted:
        results.found += _campaign(results, centre, acted)


class _Centre:
    """One centre, with its days' hours and peers' norms fitted once.

    The norms are those of the centre without misuse: a campaign would move them by nothing that counts, since days
    above the ninth decile are only "above" (tests/unit/detection/test_residual.py), and fitting is most of the time.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.parameters = DetectionParameters(timezone=evidence.timezone)
        self.controllers = sorted({count.controller for count in evidence.counts})
        names = {(count.ident, count.day) for count in evidence.counts}
        self.agent_days = {day: sum(each == day for _, each in names) for day in evidence.days}
        self._norms: dict[tuple[str, str], Mapping[tuple[str, ...], PeerGroup]] = {}

    def norms(self, controller: str, day: str) -> Mapping[tuple[str, ...], PeerGroup]:
        """Peers' norms of one day."""
        if (controller, day) not in self._norms:
            own = [count for count in self.evidence.counts if count.controller == controller]
            training = training_days(own, day, self.parameters.residual, frozenset())
            self._norms[controller, day] = peer_groups(training, self.parameters.residual) if training else {}
        return self._norms[controller, day]

    @cached_property
    def ordinary(self) -> dict[str, list[DayStatistics]]:
        """The product's statistics of each day, of every controller.

        Days that an alert names stay among the examples of what is ordinary for a person: against the product, which
        leaves them out; so one computation serves every budget.
        """
        hours: dict[tuple[str, str], list[HourCount]] = defaultdict(list)
        for hour in self.evidence.hours:
            hours[hour.controller, local_day(hour.hour_at, self.evidence.timezone)].append(hour)
        return {
            day: [
                self._day(self.evidence.counts, hours[controller, day], controller, day)
                for controller in self.controllers
            ]
            for day in self.evidence.days
        }

    def with_campaign(self, acted: Acted) -> dict[str, list[DayStatistics]]:
        """The same with one campaign: its agents are scored anew, everybody stands in one order again.

        One campaign of one agent is no common shock, so the hours are not looked at again.
        """
        first = min(self.evidence.counts, key=lambda count: count.day).ident
        counts = [*acted.counts, *(c for c in self.evidence.counts if c.ident == first and first not in acted.idents)]
        found = {}
        for day, ordinary in self.ordinary.items():
            found[day] = [
                _merged(before, self._day(counts, (), controller, day), frozenset(acted.idents))
                for before, controller in zip(ordinary, self.controllers, strict=True)
            ]
        return found

    def _day(self, counts: Sequence[DayCount], hours: Sequence[HourCount], controller: str, day: str) -> DayStatistics:
        return day_statistics(
            [count for count in counts if count.controller == controller],
            hours,
            parameters=self.parameters,
            controller=controller,
            day=day,
            drifting=False,
            groups=self.norms(controller, day),
        )


def _merged(before: DayStatistics, acting: DayStatistics, idents: frozenset[str]) -> DayStatistics:
    """Scores of the acting agents in the place of their ordinary ones, with the Benjamini-Hochberg value of all."""
    scores = [s for s in before.scores if s.count.ident not in idents]
    scores += [s for s in acting.scores if s.count.ident in idents]
    if not scores:
        return before
    adjusted = false_discovery_control([score.p for score in scores])
    every = tuple(replace(score, q=float(q)) for score, q in zip(scores, adjusted, strict=True))
    limit = DetectionParameters().residual.p_hit
    slow = [s for s in before.slow if s.ident not in idents] + [s for s in acting.slow if s.ident in idents]
    return replace(before, scores=every, rare=tuple(s for s in every if s.p <= limit), slow=tuple(slow))


@dataclass(slots=True, kw_only=True)
class _Round:
    """What the daily round did over the days."""

    opened: list[Hit] = field(default_factory=list)
    joined: list[Hit] = field(default_factory=list)


def daily_round(centre: _Centre, statistics: Mapping[str, Sequence[DayStatistics]], rate: float) -> _Round:
    """Run the product's daily round with a budget of `rate` alerts an agent-day.

    A centre of thirty agents affords an alert on some days only: what a day does not use is kept. A reviewer with so
    small a budget asks for rarer days: what ordinary days would bring more often than the budget affords opens nothing.
    """
    outcome = _Round()
    tokens = 1.0
    standing: list[OpenAlert] = []
    for day, found in statistics.items():
        tokens += rate * centre.agent_days.get(day, 0)
        hits = [hit for each, of in zip(found, centre.controllers, strict=True) for hit in _hits(each, of, day, rate)]
        capacity = Capacity(reviewers=1, alerts_per_reviewer_day=int(tokens), audit_share_percent=0)
        allotted = allot(hits, open_alerts=standing, capacity=capacity, seed=day.encode())
        tokens -= len(allotted.opened)
        outcome.opened += allotted.opened
        outcome.joined += [joined.hit for joined in allotted.joined]
        standing += [
            OpenAlert(alert=alert_id(h), controller=h.controller, ident=h.ident, topic=h.topic) for h in allotted.opened
        ]
    return outcome


def _hits(found: DayStatistics, controller: str, day: str, rate: float) -> list[Hit]:
    """Hits as `daily` makes them, without the accesses behind."""
    rare = [
        _hit(controller, day, score.count.ident, RESIDUAL, score.p_milli, residual_facts(score))
        for score in found.rare
        if score.p <= rate
    ]
    slow = [
        _hit(controller, day, signal.ident, LOW_AND_SLOW, round(signal.statistic_milli / math.log(10)), {})
        for signal in found.slow
    ]
    return [*rare, *slow]


def _hit(controller: str, day: str, ident: str, topic: str, p_milli: int, facts: Mapping[str, int]) -> Hit:
    return Hit(
        controller=controller,
        ident=ident,
        topic=topic,
        origin=AlertOrigin(topic),
        severity=Severity.MEDIUM,
        rule_version="",
        from_at=0,
        to_at=0,
        day=day,
        accesses=(),
        facts=tuple(Fact(name=name, value=value) for name, value in facts.items()),
        p_milli=p_milli,
    )


def _quiet(centre: _Centre, rates: Sequence[float]) -> Quiet:
    """Alerts where nobody misuses anything: all of them false."""
    evidence = centre.evidence
    statistics = centre.ordinary
    rounds = {rate: daily_round(centre, statistics, rate) for rate in rates}
    found = [each for of_day in statistics.values() for each in of_day]
    p_of = _p_of(statistics)
    least: dict[str, float] = {}
    for (ident, _), p in p_of.items():
        least[ident] = min(p, least.get(ident, 1.0))
    by_rule: dict[str, int] = defaultdict(int)
    for hit in evidence.hits:
        by_rule[hit.topic] += 1
    return Quiet(
        seed=evidence.seed,
        agent_days=sum(centre.agent_days.values()),
        opened={rate: len(outcome.opened) for rate, outcome in rounds.items()},
        low_and_slow=sum(len(each.slow) for each in found),
        incidents=sum(len(each.incidents) for each in found),
        rules=dict(by_rule),
        p_by_group={
            name: tuple(p for (ident, _), p in sorted(p_of.items()) if ident in set(members))
            for name, members in evidence.groups.items()
        },
        p_of_agent=least,
    )


def _p_of(statistics: Mapping[str, Sequence[DayStatistics]]) -> dict[AgentDay, float]:
    """Least p-value of each agent-day."""
    found: dict[AgentDay, float] = {}
    for day, every in statistics.items():
        for score in (score for each in every for score in each.scores):
            found[score.count.ident, day] = min(score.p, found.get((score.count.ident, day), 1.0))
    return found


def _campaign(results: Results, centre: _Centre, acted: Acted) -> list[Found]:
    """Every detector on the same agent-days."""
    evidence, days = centre.evidence, acted.days
    counts = [count for count in evidence.counts if count.ident not in acted.idents] + list(acted.counts)
    ranked: dict[AgentDay, float] = {(c.ident, c.day): 0.0 for c in counts if c.day in days}
    statistics = centre.with_campaign(acted)
    ranked |= {name: -math.log(p) for name, p in _p_of(statistics).items() if name[1] in days}
    raw = {(r.ident, r.day): r.features for r in evidence.raw}
    raw |= {(r.ident, r.day): r.features for r in acted.raw}
    known = {name: each for name, each in raw.items() if name in ranked or name[1] not in days}
    every = {RANKED: ranked}
    if acted.intent.scenario in PEERED:
        every |= peer_scores(known, counts, days, seed=evidence.seed)

    def guilty(name: AgentDay) -> bool:
        return name[0] in acted.idents and name[1] in days

    least = max((score for name, score in ranked.items() if guilty(name)), default=0.0)
    results.p_of_campaign.append((evidence.seed, acted.intent, math.exp(-least)))
    told: list[Found] = []
    blank = Found(
        detector="", seed=evidence.seed, intent=acted.intent, rate=0.0, found=0.0, campaign=sum(acted.exposed.values())
    )
    for rate in results.scale.rates:
        for detector, scores in every.items():
            found, day = top_detection(scores, guilty, rate=rate, seed=evidence.seed)
            told.append(_by_day(replace(blank, detector=detector, rate=rate, found=float(found)), acted, day))
        chance = chance_detection(ranked, guilty, rate=rate, seed=evidence.seed, times=CHANCE_DRAWS)
        told.append(replace(blank, detector=CHANCE, rate=rate, found=chance, exposed=blank.campaign))
        outcome = daily_round(centre, statistics, rate)
        hit_days = [h.day for h in (*outcome.opened, *outcome.joined) if guilty((h.ident, h.day))]
        found_day = min(hit_days, default="")
        told.append(_by_day(replace(blank, detector=PRODUCT, rate=rate, found=float(bool(hit_days))), acted, found_day))
    told.append(_by_rules(blank, evidence, acted))
    return told


def _by_day(found: Found, acted: Acted, day: str) -> Found:
    """An alert comes the morning after: the whole day is exposed."""
    if not day:
        return replace(found, exposed=found.campaign)
    exposed = sum(records for each, records in acted.exposed.items() if each <= day)
    return replace(found, day=acted.days.index(day) + 1, exposed=exposed)


def _by_rules(blank: Found, evidence: Evidence, acted: Acted) -> Found:
    """The first hit of a rule that the same agent's day did not have without misuse."""
    before = {(hit.ident, hit.day, hit.topic) for hit in evidence.hits}
    fresh = [hit for hit in acted.hits if not evidence.without_misuse or (hit.ident, hit.day, hit.topic) not in before]
    fresh = [hit for hit in fresh if hit.day in acted.days]
    if not fresh:
        return replace(blank, detector=RULES, exposed=blank.campaign)
    day = min(hit.day for hit in fresh)
    earlier = sum(records for each, records in acted.exposed.items() if each < day)
    exposed = earlier + min(_shown_until(hit, acted) for hit in fresh if hit.day == day)
    return replace(blank, detector=RULES, found=1.0, day=acted.days.index(day) + 1, exposed=exposed)


def _shown_until(hit: Hit, acted: Acted) -> int:
    """Records of the day up to the alert: a live count fires at its threshold, other rules may need the whole day."""
    of_day = acted.exposed.get(hit.day, 0)
    if hit.topic not in {rule.topic for rule in shipped_rules() if rule.certain}:
        return of_day
    return min(of_day, next((fact.value for fact in hit.facts if fact.name == "threshold"), of_day))
