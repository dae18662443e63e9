"""The residual: is this many unexplained accesses rare among peers with as many contacts? (DESIGN §9.4)

Called by `daily` and by the benchmark. The formula and a worked example: docs/residual.md. Pure. Must never
train on the scored day, on days above the group's ninth decile, or on alerted days; must never store a figure.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from quivive.detection.counts import DayCount
from quivive.detection.parameters import ResidualParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class DayScore:
    """How rare one agent's day is among peers. `p_…` are mid-p values; `p` combines both (Cauchy).

    Fields:
        group: the peer group really used (the narrowest with enough agents and days).
        peers: other agents of that group. expected_milli: thousandths of unexplained plus weak excess that peers
            with as many contacts have. times_a_month_milli: thousandths of such days that a centre of this size
            has in thirty days without any misconduct.
        q: Benjamini-Hochberg among all days scored together.
    """

    count: DayCount
    group: tuple[str, ...]
    peers: int
    expected_unexplained_milli: int
    expected_weak_milli: int
    p_unexplained: float
    p_weak: float
    p: float
    q: float
    times_a_month_milli: int

    @property
    def expected_milli(self) -> int:
        """Thousandths of unexplained and weak excess together that peers have for as many contacts."""
        return self.expected_unexplained_milli + self.expected_weak_milli

    @property
    def p_milli(self) -> int:
        """Thousandths of minus the base-10 logarithm of `p`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDrift:
    """Are mid-p values of ordinary days still uniform in this group? Kolmogorov-Smirnov distance and its p."""

    group: tuple[str, ...]
    agent_days: int
    distance_milli: int
    p_milli: int


def score_day(
    history: Sequence[DayCount],
    day: str,
    parameters: ResidualParameters,
    *,
    alerted: Set[tuple[str, str]] = frozenset(),
) -> tuple[DayScore, ...]:
    """Score every agent of `day` against the days before it; () during the cold start. Most rare first.

    `history` holds the trailing days and `day` itself, of one controller. `alerted` are (ident, day) already in an
    alert: not used for training. The order of `history` does not matter.
    """
    raise NotImplementedError


def drift(
    history: Sequence[DayCount],
    day: str,
    parameters: ResidualParameters,
    *,
    alerted: Set[tuple[str, str]] = frozenset(),
) -> tuple[GroupDrift, ...]:
    """Check the model on the last seven days before `day`, per group (detection reference §6, drift)."""
    raise NotImplementedError
