"""Low and slow: a little more than peers, week after week (DESIGN §9.4): CUSUM of the log-likelihood ratio.

Called by `daily`. Recomputed each day from retained verdicts; nothing is carried over. Pure. Must never clip a
chart below its threshold: ties would make ranks a matter of chance.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from quivive.detection.counts import DayCount
from quivive.detection.parameters import LowAndSlowParameters, ResidualParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowSignal:
    """A chart that crossed its threshold on `day`, after `days` worked days above expectation from `from_day` on.

    `statistic_milli`: thousandths of a nat; `factor_milli`: the multiple of the peers' count that fits better.
    """

    ident: str
    day: str
    from_day: str
    days: int
    unexplained: int
    weak_excess: int
    contacts: int
    peers: int
    expected_milli: int
    factor_milli: int
    statistic_milli: int


def signals(
    history: Sequence[DayCount],
    day: str,
    residual: ResidualParameters,
    parameters: LowAndSlowParameters,
    *,
    alerted: Set[tuple[str, str]] = frozenset(),
) -> tuple[SlowSignal, ...]:
    """Charts that cross on `day`, highest statistic first. A chart restarts after it crossed, and after an alert."""
    raise NotImplementedError
