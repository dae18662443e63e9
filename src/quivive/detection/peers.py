"""What is ordinary among peers: a negative binomial per group and measure, with shrinkage to the wider group.

Called by `residual`, `low_and_slow` and `shock`. Pure; the formula in words: docs/residual.md. Must never learn from
how far a day stands above the group's ninth decile: such a day only counts as "above" (censored), so that neither
misuse nor an outage becomes the norm.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betainc, gammaln

from quivive.detection.counts import DayCount
from quivive.detection.parameters import ResidualParameters

Array = NDArray[Any]
MEASURES: Final = ("unexplained", "weak_excess", "self_made")
"""U, W and M of docs/residual.md: fields of `DayCount` and `HourCount`."""
TOGETHER: Final = "together"
NORMED: Final = (*MEASURES, TOGETHER)
"""What a norm is fitted for."""
RATE_MIN: Final = 1e-5
"""A group without a single count still expects one in a hundred thousand contacts: a tail needs a mean."""
SPREAD_MIN, SPREAD_MAX = 1e-3, 5.0
SPREAD_USUAL: Final = 0.2
"""Where the spread of a group with few counts is drawn to (in logarithms, with a deviation of 1.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """Counts of one measure in one group: mean `rate` a contact, variance mean + `spread` × mean².

    `cut`: counts per contact above which a day is set aside (the group's ninth decile).
    """

    rate: float
    spread: float
    cut: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerGroup:
    """A group with enough agents and days. `norms` by measure; `mean_exposure` contacts of an ordinary day."""

    path: tuple[str, ...]
    idents: frozenset[str]
    agent_days: int
    mean_exposure: float
    norms: Mapping[str, Norm]


def exposure_of(count: DayCount, parameters: ResidualParameters) -> int:
    """Contacts a count is compared to; a quiet day is compared to a few, not to none."""
    return max(count.contacts, parameters.exposure_min)


def peer_groups(training: Sequence[DayCount], parameters: ResidualParameters) -> dict[tuple[str, ...], PeerGroup]:
    """Groups of every width that are large enough, each drawn to the next wider one. Order of input is irrelevant."""
    members: dict[tuple[str, ...], list[DayCount]] = defaultdict(list)
    for count in training:
        for width in range(1, len(count.group) + 1):
            members[count.group[:width]].append(count)
    groups: dict[tuple[str, ...], PeerGroup] = {}
    for path in sorted(members, key=lambda each: (len(each), each)):
        days = members[path]
        idents = frozenset(count.ident for count in days)
        if len(idents) < parameters.group_agents_min or len(days) < parameters.group_agent_days_min:
            continue
        exposures = np.array([exposure_of(count, parameters) for count in days], dtype=np.float64)
        wider = group_of(groups, path[:-1])
        groups[path] = PeerGroup(
            path=path,
            idents=idents,
            agent_days=len(days),
            mean_exposure=float(exposures.mean()),
            norms={
                measure: _drawn(
                    _fit(exposures, np.array([getattr(c, measure) for c in days], dtype=np.float64), parameters),
                    wider.norms[measure] if wider else None,
                    len(days),
                    parameters,
                )
                for measure in NORMED
            },
        )
    return groups


def group_of(groups: Mapping[tuple[str, ...], PeerGroup], path: tuple[str, ...]) -> PeerGroup | None:
    """The narrowest group large enough that holds a path."""
    for width in range(len(path), 0, -1):
        if found := groups.get(path[:width]):
            return found
    return None


def _drawn(norm: Norm, wider: Norm | None, agent_days: int, parameters: ResidualParameters) -> Norm:
    """Shrink towards the wider group as if it had brought `group_agent_days_min` days of its own."""
    if wider is None:
        return norm
    own = agent_days / (agent_days + parameters.group_agent_days_min)
    return Norm(
        rate=own * norm.rate + (1 - own) * wider.rate,
        spread=own * norm.spread + (1 - own) * wider.spread,
        cut=norm.cut,
    )


def _fit(exposures: Array, counts: Array, parameters: ResidualParameters) -> Norm:
    """Most likely rate and spread, days above the cut counting only as "above"."""
    cut = float(np.quantile(counts / exposures, parameters.set_aside_quantile))
    limits = np.floor(cut * exposures)
    above = counts > limits
    # Equal rows are weighed, not repeated: a thousand agents over eight weeks are a few thousand distinct rows.
    rows = np.stack([exposures, np.where(above, limits, counts), above.astype(np.float64)], axis=1)
    rows, weights = np.unique(rows, axis=0, return_counts=True)
    exposed, told, is_above = rows[:, 0], rows[:, 1], rows[:, 2] > 0

    def cost(point: Array) -> float:
        rate, spread = float(np.exp(point[0])), float(np.exp(point[1]))
        means = rate * exposed
        likely = np.where(is_above, np.log(np.maximum(tail(told, means, spread), 1e-300)), log_pmf(told, means, spread))
        usual = ((point[1] - np.log(SPREAD_USUAL)) / 1.5) ** 2 / 2
        return float(-(weights * likely).sum() + usual)

    kept = counts[~above].sum() / max(exposures[~above].sum(), 1.0)
    start = np.log([max(kept, RATE_MIN) * 1.1, SPREAD_USUAL])
    bounds = [(np.log(RATE_MIN), np.log(50.0)), (np.log(SPREAD_MIN), np.log(SPREAD_MAX))]
    found = minimize(cost, start, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-3, "fatol": 1e-3})
    return Norm(rate=float(np.exp(found.x[0])), spread=float(np.exp(found.x[1])), cut=cut)


def log_pmf(counts: Array, means: Array, spread: float) -> Array:
    """Logarithm of the probability of exactly `counts`."""
    size = 1.0 / spread
    return np.asarray(
        gammaln(counts + size) - gammaln(size) - gammaln(counts + 1)
        - size * np.log1p(spread * means) + counts * (np.log(means) - np.log(size + means))
    )  # fmt: skip


def tail(counts: Array, means: Array, spread: float) -> Array:
    """Probability of more than `counts` (the same as scipy.stats.nbinom.sf; far tails keep their digits)."""
    size = 1.0 / spread
    return np.asarray(betainc(counts + 1.0, size, means / (size + means)))


def mid_p(count: int, mean: float, spread: float) -> float:
    """Probability of more than `count`, and half of exactly `count`."""
    counts, means = np.array([float(count)]), np.array([mean])
    return float((tail(counts, means, spread) + 0.5 * np.exp(log_pmf(counts, means, spread)))[0])


def mean_below(limit: float, mean: float, spread: float) -> float:
    """Mean count of the days that are not above `limit`: what the kept days of an ordinary agent show."""
    if limit < 1:
        return 0.0
    size, chance = 1.0 / spread, mean / (1.0 / spread + mean)
    below = 1.0 - float(betainc(limit + 1.0, size, chance))
    return mean * (1.0 - float(betainc(limit, size + 1.0, chance))) / max(below, 1e-12)


def own_factor(
    days: Iterable[tuple[DayCount, Norm]],
    measure: str,
    mean: float,
    parameters: ResidualParameters,
    weight_days: int | None = None,
) -> float:
    """How a person's own ordinary days compare with the group's (lambda), drawn to 1 and kept within its bounds.

    `mean` is the group's count of an ordinary day; `weight_days` such days draw to 1 (default: kappa).
    Days above the cut are left out on both sides.
    """
    weight = max((weight_days or parameters.own_weight_days) * mean, 1e-9)
    shown = expected = weight
    for count, norm in days:
        exposure = exposure_of(count, parameters)
        limit = float(np.floor(norm.cut * exposure))
        told = getattr(count, measure)
        if told <= limit:
            shown += told
            expected += mean_below(limit, norm.rate * exposure, norm.spread)
    return min(max(shown / expected, parameters.own_factor_min), parameters.own_factor_max)
