"""Low and slow: a little more than peers, week after week (DESIGN §9.4): CUSUM of the log-likelihood ratio.

Called by `daily`. Recomputed each day from retained verdicts; nothing is carried over. Pure. Must never clip a
chart below its threshold: ties would make ranks a matter of chance.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import log, log1p

from quivive.detection.counts import DayCount, day_before
from quivive.detection.parameters import LowAndSlowParameters, ResidualParameters
from quivive.detection.peers import MEASURES, PeerGroup, exposure_of, group_of, own_factor, peer_groups
from quivive.detection.residual import cold, own_days, training_days


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowSignal:
    """A chart that crossed its threshold on `day`, after `days` worked days above expectation from `from_day` on.

    `statistic_milli`: thousandths of a nat; `factor_milli`: the multiple of the peers' count that fits better.
    Counts and `expected_milli` are sums over these days.
    """

    ident: str
    day: str
    from_day: str
    days: int
    unexplained: int
    weak_excess: int
    self_made: int
    contacts: int
    peers: int
    expected_milli: int
    factor_milli: int
    statistic_milli: int


@dataclass(slots=True)
class _Chart:
    """One running sum: never below zero, back to zero after it crossed."""

    total: float = 0.0
    days: list[DayCount] | None = None


def signals(
    history: Sequence[DayCount],
    day: str,
    residual: ResidualParameters,
    parameters: LowAndSlowParameters,
    *,
    alerted: AbstractSet[tuple[str, str]] = frozenset(),
    groups: Mapping[tuple[str, ...], PeerGroup] | None = None,
) -> tuple[SlowSignal, ...]:
    """Charts that cross on `day`, highest statistic first. A chart restarts after it crossed, and after an alert."""
    training = training_days(history, day, residual, alerted)
    if cold(training, day, residual):
        return ()
    groups = peer_groups(training, residual) if groups is None else groups
    since = day_before(day, parameters.days - 1)
    # What is usual for a person is learned from before the chart begins, so that the chart does not learn itself away.
    before = own_days([count for count in training if count.day < since], since, residual, groups)
    own: dict[str, list[DayCount]] = defaultdict(list)
    for count in sorted(history, key=lambda c: (c.ident, c.day)):
        if since <= count.day <= day:
            own[count.ident].append(count)
    found = [
        signal
        for days in own.values()
        if days[-1].day == day
        for signal in _crossing(days, day, groups, before.get(days[-1].ident, ()), residual, parameters, alerted)
    ]
    return tuple(sorted(found, key=lambda each: (-each.statistic_milli, each.ident)))


def _crossing(
    days: Sequence[DayCount],
    day: str,
    groups: Mapping[tuple[str, ...], PeerGroup],
    before: Sequence[tuple[DayCount, PeerGroup]],
    residual: ResidualParameters,
    parameters: LowAndSlowParameters,
    alerted: AbstractSet[tuple[str, str]],
) -> list[SlowSignal]:
    """The chart of this person that crosses highest on the last day, if any."""
    best: SlowSignal | None = None
    for measure in MEASURES:
        past = [(count, group.norms[measure]) for count, group in before]
        for factor in parameters.factors:
            chart = _Chart(days=[])
            for count in days:
                group = group_of(groups, count.group)
                if group is None:
                    continue
                norm = group.norms[measure]
                own = own_factor(past, measure, norm.rate * group.mean_exposure, residual)
                mean = norm.rate * exposure_of(count, residual) * own
                chart.total += ratio(getattr(count, measure), mean, norm.spread, factor)
                assert chart.days is not None, "given above"
                chart.days.append(count)
                crossed = chart.total >= parameters.threshold
                if crossed and count.day == day:
                    signal = _signal(chart, count, group, groups, residual, factor)
                    if best is None or signal.statistic_milli > best.statistic_milli:
                        best = signal
                if chart.total <= 0 or crossed or (count.ident, count.day) in alerted:
                    chart = _Chart(days=[])
    return [best] if best else []


def _signal(
    chart: _Chart,
    last: DayCount,
    group: PeerGroup,
    groups: Mapping[tuple[str, ...], PeerGroup],
    residual: ResidualParameters,
    factor: float,
) -> SlowSignal:
    days = chart.days or []
    expected = 0.0
    for count in days:
        of = group_of(groups, count.group) or group
        expected += sum(of.norms[measure].rate for measure in MEASURES) * exposure_of(count, residual)
    return SlowSignal(
        ident=last.ident,
        day=last.day,
        from_day=days[0].day,
        days=len(days),
        unexplained=sum(count.unexplained for count in days),
        weak_excess=sum(count.weak_excess for count in days),
        self_made=sum(count.self_made for count in days),
        contacts=sum(count.contacts for count in days),
        peers=len(group.idents - {last.ident}),
        expected_milli=round(1_000 * expected),
        factor_milli=round(1_000 * factor),
        statistic_milli=round(1_000 * chart.total),
    )


def ratio(count: int, mean: float, spread: float, factor: float) -> float:
    """Logarithm of how much better `factor` times the mean explains a count than the mean itself."""
    return (
        count * (log(factor) - log1p(spread * factor * mean) + log1p(spread * mean))
        - (log1p(spread * factor * mean) - log1p(spread * mean)) / spread
    )
