"""The budget: at most so many alerts opened per reviewer and day, whatever is found (DESIGN §9.5).

Called by `core.alerting` (live and daily) and by the benchmark. Pure. Must never open more than the capacity
left, never a second alert for the same (controller, ident, topic), and never leave something out unsaid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from quivive.model.alert import Hit, LeftOut

RULE_QUOTA_DEFAULT: Final = 5
"""Alerts one rule may open a day: a noisy rule must not eat the whole budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What reviewers can look at. `used` is what this day has opened already (live alerts, other controllers)."""

    reviewers: int = 1
    alerts_per_reviewer_day: int = 6
    audit_share_percent: int = 15
    used: int = 0
    rule_quota: int = RULE_QUOTA_DEFAULT
    rule_used: Mapping[str, int] = field(default_factory=dict)

    @property
    def budget(self) -> int:
        """Alerts this day may open in all."""
        return max(0, self.reviewers) * max(0, self.alerts_per_reviewer_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert that is not closed: further hits of the same (controller, ident, topic) join it."""

    alert: str
    controller: str
    ident: str
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A hit that goes to an alert already open."""

    alert: str
    hit: Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What one round of the budget decides. `over_quota`: topics that had more hits than their quota."""

    opened: tuple[Hit, ...]
    joined: tuple[Joined, ...]
    left_out: tuple[LeftOut, ...]
    audit: tuple[Hit, ...]
    over_quota: tuple[str, ...]


def alert_id(hit: Hit) -> str:
    """Identifier of the alert that a hit opens, 32 hex digits: the same when the hit is found again."""
    text = "\x1f".join(("alert", hit.controller, hit.ident, hit.topic, hit.day))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def allot(
    hits: Sequence[Hit],
    *,
    open_alerts: Sequence[OpenAlert],
    capacity: Capacity,
    seed: bytes,
    audit_pool: Sequence[Hit] = (),
    known: Sequence[str] = (),
    q_max_milli: int = 500,
) -> Allotment:
    """Decide which hits open an alert, which join one, and which stay closed and why.

    Args:
        hits: of one day, any order. open_alerts: not closed yet. capacity: what is left of the day.
        seed: of the random audit, from the day's last published root; the same seed gives the same draw.
        audit_pool: accesses the audit may draw from (origin RANDOM_AUDIT, a fact `weak` 1 or 0); () for none.
        known: alert ids that exist already, open or closed: their hits open nothing again.
        q_max_milli: a statistical hit whose fact `q_milli` is above it is not rare enough.
    """
    raise NotImplementedError
