"""What detection learned from explained days: windows and caps by queue, skew of a source's clock (DESIGN §9.2).

Published daily as an entry `parameters` of the controller and cited by verdicts of the days from `from_at` on.
Must never hold an agent, a customer or a figure of one: quantiles over many calls of many agents only.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedWindow:
    """One template in one queue: microseconds before and after, within its hard maxima. `cap` 0: none.

    `matches` over `agents`: how much it rests on.
    """

    queue: str
    template: str
    before_us: int
    after_us: int
    cap: int
    matches: int
    agents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedSkew:
    """How far a contact source's clock is ahead of the accesses' (microseconds), from `pops` screen pops."""

    source: str
    skew_us: int
    pops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedBody:
    """In a body of `parameters`, under `learned`. Counts for contacts from `from_at` (microseconds UTC) on."""

    from_at: int
    windows: tuple[LearnedWindow, ...]
    skews: tuple[LearnedSkew, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedParametersBody:
    """A body of `parameters`; others without `learned` leave what was learned as it stands."""

    learned: LearnedBody | None = None
