"""What the statistics of detection are set to: one frozen value, whose hash an alert carries as its version.

Passed as an argument to `residual`, `low_and_slow`, `shock`, `daily` and `budget`. Must never hold a figure of
a person, and never be read from a global: two runs with the same parameters and verdicts give the same hits.
"""

from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Final

import msgspec

STATISTICS_VERSION: Final = "2"
"""Rises when a formula changes, so that an alert never cites a version that computes otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualParameters:
    """Detection reference §6. Days are local days; `p_hit` bounds what becomes a hit before the budget.

    `own_weight_days`: what a person's own days weigh against the group, in agent-days (kappa). `week_days`: worked
    days that are also looked at together, the scored one among them; the person's own days before them, with less
    weight of the group, tell what is usual for him there.
    """

    group_days: int = 56
    own_days: int = 28
    own_weight_days: int = 20
    week_days: int = 5
    week_own_weight_days: int = 8
    own_factor_min: float = 0.5
    own_factor_max: float = 2.0
    set_aside_quantile: float = 0.9
    group_agents_min: int = 8
    group_agent_days_min: int = 100
    cold_start_days: int = 14
    exposure_min: int = 5
    p_hit: float = 0.05
    q_max: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LowAndSlowParameters:
    """Charts on `factors` times the expected count; `threshold` in nats, from bench/low_and_slow_threshold.py."""

    factors: tuple[float, ...] = (2.0, 4.0)
    threshold: float = 12.0
    days: int = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class ShockParameters:
    """More than `share` of at least `agents_min` agents of a group below `p` in the same hour or day: one cause.

    `usual`: share of agents below `p` for one of the measures in an ordinary hour (measured: 5.5 %, more than `p`
    because hours scatter more than days). `chance`: so many below it must be rarer than this, else small groups are
    shocked by chance (measured: three of five, six of eighteen on ordinary days).
    """

    share: float = 0.3
    p: float = 0.01
    agents_min: int = 4
    usual: float = 0.055
    chance: float = 1e-5
    p_far: float = 0.001
    usual_far: float = 0.01
    """The same for agents far out: in an outage few colleagues are far out together, on ordinary days hardly one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionParameters:
    """Everything the daily statistics depend on besides final verdicts. `timezone` is the controller's."""

    timezone: str = "UTC"
    residual: ResidualParameters = field(default_factory=ResidualParameters)
    low_and_slow: LowAndSlowParameters = field(default_factory=LowAndSlowParameters)
    shock: ShockParameters = field(default_factory=ShockParameters)

    def version(self) -> str:
        """SHA-256 of the parameters and of the statistics' version, 64 hex digits: an alert's `rule_version`."""
        text = msgspec.json.encode({"statistics": STATISTICS_VERSION, **asdict(self)}, order="sorted")
        return sha256(text).hexdigest()
