"""The residual: is this many unexplained accesses rare among peers with as many contacts (DESIGN §9.4)?

Called by `daily` and by the benchmark. The formula and a worked example: docs/residual.md. Pure. Must never
train on the scored day, on days above the group's ninth decile, or on alerted days; must never store a figure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import blake2b
from math import atan, log10, pi, tan
from typing import Final

import numpy as np
from scipy.stats import false_discovery_control, kstest

from quivive.detection.counts import DayCount, day_before
from quivive.detection.parameters import ResidualParameters
from quivive.detection.peers import (
    MEASURES,
    NORMED,
    TOGETHER,
    Norm,
    PeerGroup,
    exposure_of,
    group_of,
    log_pmf,
    mid_p,
    own_factor,
    peer_groups,
    tail,
)

P_MIN: Final = 1e-15
P_MILLI_MAX: Final = 15_000
COMBINED_P_MAX: Final = 0.9
"""One measure that is unusually low must not outweigh another that is unusually high."""
WEEKLY: Final = ("unexplained", TOGETHER)
EXPECTED_MIN: Final = 0.05
"""A measure of which so few are expected, and none is there, says nothing: it would only dilute the others."""
MONTH_DAYS: Final = 30
DRIFT_DAYS: Final = 7
DRIFT_AGENT_DAYS_MIN: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class DayScore:
    """How rare one agent's day is among peers. `p_of` are mid-p values by measure; `p` combines them (Cauchy).

    Fields:
        group: the peer group really used (the narrowest with enough agents and days).
        peers: other agents of that group.
        window: the day alone, or the last worked days when these together are rarer; the last one is the day.
        expected_milli_of: by measure, thousandths of what peers with as many contacts have in the window.
        times_a_month_milli: thousandths of such days that a centre of this size has in thirty days without any
            misconduct.
        q: Benjamini-Hochberg among all days scored together.
    """

    count: DayCount
    group: tuple[str, ...]
    peers: int
    window: tuple[DayCount, ...]
    expected_milli_of: Mapping[str, int]
    p_of: Mapping[str, float]
    p: float
    q: float
    times_a_month_milli: int

    @property
    def expected_milli(self) -> int:
        """Thousandths of all measures together that peers have for as many contacts."""
        return sum(self.expected_milli_of.values())

    @property
    def p_milli(self) -> int:
        """Thousandths of minus the base-10 logarithm of `p`."""
        return p_milli(self.p)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDrift:
    """Are mid-p values of ordinary days still uniform in this group? Kolmogorov-Smirnov distance and its p."""

    group: tuple[str, ...]
    agent_days: int
    distance_milli: int
    p_milli: int


def p_milli(p: float) -> int:
    """Thousandths of minus the base-10 logarithm of a probability."""
    return max(0, min(round(-1_000 * log10(max(p, P_MIN))), P_MILLI_MAX))


def score_day(
    history: Sequence[DayCount],
    day: str,
    parameters: ResidualParameters,
    *,
    alerted: AbstractSet[tuple[str, str]] = frozenset(),
    groups: Mapping[tuple[str, ...], PeerGroup] | None = None,
) -> tuple[DayScore, ...]:
    """Score every agent of `day` against the days before it; () during the cold start. Most rare first.

    `history` holds the trailing days and `day` itself, of one controller. `alerted` are (ident, day) already in an
    alert: not used for training. The order of `history` does not matter. `groups`: when they are fitted already.
    """
    training = training_days(history, day, parameters, alerted)
    if cold(training, day, parameters):
        return ()
    groups = peer_groups(training, parameters) if groups is None else groups
    own = own_days(training, day, parameters, groups)
    a_month = len({(c.ident, c.day) for c in training if c.day >= day_before(day, 28)}) * MONTH_DAYS / 28
    scores = []
    for count in sorted((c for c in history if c.day == day), key=lambda c: c.ident):
        group = group_of(groups, count.group)
        if group is not None:
            scores.append(_score(count, group, own.get(count.ident, ()), a_month, parameters))
    if not scores:
        return ()
    adjusted = false_discovery_control([score.p for score in scores])
    told = [_with_q(score, float(q)) for score, q in zip(scores, adjusted, strict=True)]
    return tuple(sorted(told, key=lambda score: (score.p, score.count.ident)))


def drift(
    history: Sequence[DayCount],
    day: str,
    parameters: ResidualParameters,
    *,
    alerted: AbstractSet[tuple[str, str]] = frozenset(),
) -> tuple[GroupDrift, ...]:
    """Check the model on the last seven days before `day`, per group (detection reference §6, drift).

    A discrete p-value is spread over its step by a fixed fraction per agent and day, so that it can be uniform.
    """
    since = day_before(day, DRIFT_DAYS)
    training = training_days(history, since, parameters, alerted)
    if cold(training, since, parameters):
        return ()
    groups = peer_groups(training, parameters)
    own = own_days(training, since, parameters, groups)
    found: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for count in history:
        group = group_of(groups, count.group) if since <= count.day < day else None
        if group is not None and (count.ident, count.day) not in alerted:
            norm = group.norms["unexplained"]
            mean = _mean(count, group, "unexplained", own.get(count.ident, ()), parameters)
            counts, means = np.array([float(count.unexplained)]), np.array([mean])
            exactly = float(np.exp(log_pmf(counts, means, norm.spread))[0])
            share = blake2b(f"{count.ident}/{count.day}".encode(), digest_size=8).digest()
            found[group.path].append(
                float(tail(counts, means, norm.spread)[0]) + exactly * int.from_bytes(share) / 2**64
            )
    drifts = []
    for path, values in sorted(found.items()):
        if len(values) >= DRIFT_AGENT_DAYS_MIN:
            test = kstest(np.clip(values, 0.0, 1.0), "uniform")
            drifts.append(
                GroupDrift(
                    group=path,
                    agent_days=len(values),
                    distance_milli=round(1_000 * float(test.statistic)),
                    p_milli=p_milli(float(test.pvalue)),
                )
            )
    return tuple(drifts)


def training_days(
    history: Iterable[DayCount], day: str, parameters: ResidualParameters, alerted: AbstractSet[tuple[str, str]]
) -> list[DayCount]:
    """The trailing days before `day` that no alert names, in one fixed order."""
    since = day_before(day, parameters.group_days)
    kept = [c for c in history if since <= c.day < day and (c.ident, c.day) not in alerted]
    return sorted(kept, key=lambda c: (c.day, c.ident))


def cold(training: Sequence[DayCount], day: str, parameters: ResidualParameters) -> bool:
    """Too few days seen to say what is ordinary."""
    return not training or training[0].day > day_before(day, parameters.cold_start_days)


def own_days(
    training: Sequence[DayCount],
    day: str,
    parameters: ResidualParameters,
    groups: Mapping[tuple[str, ...], PeerGroup],
) -> dict[str, tuple[tuple[DayCount, PeerGroup], ...]]:
    """Each person's own recent days, each with the group it is compared to."""
    since = day_before(day, parameters.own_days)
    found: dict[str, list[tuple[DayCount, PeerGroup]]] = defaultdict(list)
    for count in training:
        group = group_of(groups, count.group) if count.day >= since else None
        if group is not None:
            found[count.ident].append((count, group))
    return {ident: tuple(days) for ident, days in found.items()}


def combined(*values: float) -> float:
    """One p-value from several that depend on each other in an unknown way (ACAT, the Cauchy combination)."""
    if not values:
        return 1.0
    turns = [tan((0.5 - min(max(p, P_MIN), COMBINED_P_MAX)) * pi) for p in values]
    return min(max(0.5 - atan(sum(turns) / len(turns)) / pi, P_MIN), 1.0)


def _score(
    count: DayCount,
    group: PeerGroup,
    own: Sequence[tuple[DayCount, PeerGroup]],
    agent_days_a_month: float,
    parameters: ResidualParameters,
) -> DayScore:
    means = {measure: _mean(count, group, measure, own, parameters) for measure in NORMED}
    of_day = {m: mid_p(getattr(count, m), means[m], group.norms[m].spread) for m in NORMED}
    told = [each for m, each in of_day.items() if getattr(count, m) or means[m] >= EXPECTED_MIN]
    week = [*own[1 - parameters.week_days :], (count, group)] if parameters.week_days > 1 else []
    before = own[: max(0, len(own) + 1 - len(week))]
    of_week = [_week_p(week, measure, before, parameters) for measure in WEEKLY] if len(week) > 1 else []
    p = combined(*told, *of_week)
    by_week = min(of_week, default=1.0) < min(told, default=1.0)
    window = week if by_week else [(count, group)]
    return DayScore(
        count=count,
        group=group.path,
        peers=len(group.idents - {count.ident}),
        window=tuple(each for each, _ in window),
        expected_milli_of={
            m: round(1_000 * sum(of.norms[m].rate * exposure_of(each, parameters) for each, of in window))
            for m in MEASURES
        },
        p_of={m: of_day[m] for m in MEASURES},
        p=p,
        q=1.0,
        times_a_month_milli=round(1_000 * p * agent_days_a_month),
    )


def _week_p(
    week: Sequence[tuple[DayCount, PeerGroup]],
    measure: str,
    before: Sequence[tuple[DayCount, PeerGroup]],
    parameters: ResidualParameters,
) -> float:
    """Mid-p of the sum over several worked days.

    What is usual for the person is learned from the days before them. It is known the less, the fewer these are: that
    widens the sum's spread, as does the scatter of single days, of which a sum averages a part out.
    """
    group = week[-1][1]
    usual = group.norms[measure].rate * group.mean_exposure
    norms = [(past, of.norms[measure]) for past, of in before]
    factor = own_factor(norms, measure, usual, parameters, parameters.week_own_weight_days)
    means = [of.norms[measure].rate * exposure_of(each, parameters) * factor for each, of in week]
    mean = sum(means)
    known = parameters.week_own_weight_days * usual
    known += sum(norm.rate * exposure_of(past, parameters) for past, norm in norms)
    scatter = group.norms[measure].spread * sum(each * each for each in means) / mean**2
    return mid_p(sum(getattr(each, measure) for each, _ in week), mean, scatter + 1 / max(known, 1.0))


def _mean(
    count: DayCount,
    group: PeerGroup,
    measure: str,
    own: Sequence[tuple[DayCount, PeerGroup]],
    parameters: ResidualParameters,
) -> float:
    norm = group.norms[measure]
    pairs: list[tuple[DayCount, Norm]] = [(past, of.norms[measure]) for past, of in own]
    factor = own_factor(pairs, measure, norm.rate * group.mean_exposure, parameters)
    return norm.rate * exposure_of(count, parameters) * factor


def _with_q(score: DayScore, q: float) -> DayScore:
    fields = {name: getattr(score, name) for name in DayScore.__slots__}
    return DayScore(**{**fields, "q": q})
