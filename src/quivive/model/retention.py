"""Retention as entries: holds, orders to erase, the daily comparison of what is declared with what is found (law P-10).

Built by the core's retention room, projected and shown. Pure. Must never hold a name, a key of a subject or a reason in
words about a person: references are codes of requests, minutes or orders.
"""

from dataclasses import dataclass
from typing import Final

from quivive.model.clock import DAY_US

MAX_HOLD_US: Final = 731 * DAY_US
"""A hold ends by itself after two years at most; a longer procedure asks again, with two persons again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Body of `hold`: nothing of [from_at, to_at) may be removed before `until_at`.

    `hold`: 32 hex digits. `retention_class` "" for all. `order`: code of the order behind it. `approval`: the approval
    that two persons gave. Instants in microseconds UTC.
    """

    hold: str
    controller: str
    retention_class: str
    from_at: int
    to_at: int
    until_at: int
    order: str
    approval: str
    placed_by: str
    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleaseBody:
    """Body of `hold.release`: the hold ends before its date."""

    hold: str
    controller: str
    approval: str
    released_by: str
    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureBody:
    """Body of `erasure`: an order to erase one event, durable before it is carried out.

    `shard` and `index` name the entry in the log; `request` is the code of the request behind it.
    """

    erasure: str
    controller: str
    shard: str
    index: int
    retention_class: str
    day: str
    request: str
    approval: str
    ordered_by: str
    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAge:
    """One store of one controller and class. `oldest_at` 0 when empty; `held`: id of a hold that keeps it."""

    store: str
    controller: str
    retention_class: str
    declared_days: int
    oldest_at: int
    overdue: bool
    held: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionCheckBody:
    """Body of `retention.check`: every store looked at on one day; `overdue` and `incomplete` are 0 when all is well.

    `incomplete`: purges begun and not certified. `policies`: controller and digest of the policy in force.
    """

    day: str
    stores: tuple[StoreAge, ...]
    overdue: int
    held: int
    incomplete: int
    policies: tuple[tuple[str, str], ...]
