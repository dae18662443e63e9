"""Retention: how long each class of one controller is kept, and which days are due (DESIGN §7; law T-06, P-10).

Called by the core's retention round, by the daily check and by the commands. Pure: the policy, the days that stand and
the instant are arguments. Must never let a day under a hold be due, and never round in favour of keeping.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from quivive.model.clock import DAY_US, SECOND_US
from quivive.model.entry import RetentionClass
from quivive.model.retention import Hold

GRACE_US: Final = DAY_US
"""A day that is due is gone within a day: the round runs every hour, a core may be down over a night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """Periods of one controller, in days by class; `justification` when one is longer than the usual."""

    controller: str
    days: Mapping[str, int]
    justification: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the policy, 64 hex digits: cited by every scheduled purge and check."""
        document = {"controller": self.controller, "days": dict(self.days), "justification": self.justification}
        return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SegmentDay:
    """One day of one controller and class, as it stands on the disk."""

    controller: str
    retention_class: str
    day: str


def day_start(day: str) -> int:
    """First instant of a UTC day `yyyymmdd`, in microseconds."""
    return int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * SECOND_US


def due_at(policy: RetentionPolicy, place: SegmentDay) -> int:
    """When a day must go: as soon as its first event is older than the period declared."""
    return day_start(place.day) + policy.days[place.retention_class] * DAY_US


def held(place: SegmentDay, holds: Iterable[Hold], now: int) -> str:
    """Id of a hold that keeps this day, "" when none does."""
    start = day_start(place.day)
    for hold in holds:
        if hold.until_at <= now or hold.controller != place.controller:
            continue
        if hold.retention_class and hold.retention_class != place.retention_class:
            continue
        if start < hold.to_at and hold.from_at < start + DAY_US:
            return hold.hold
    return ""


def due(policy: RetentionPolicy, places: Iterable[SegmentDay], holds: Iterable[Hold], now: int) -> list[SegmentDay]:
    """Days of the policy's controller that must go now, oldest first; those under a hold stay."""
    kept = tuple(holds)
    return sorted(
        (
            place
            for place in places
            if place.controller == policy.controller
            and place.retention_class in set(RetentionClass)
            and due_at(policy, place) <= now
            and not held(place, kept, now)
        ),
        key=lambda place: (place.day, place.retention_class),
    )


def overdue(policy: RetentionPolicy, place: SegmentDay, now: int) -> bool:
    """Whether a day that stands contradicts what was declared."""
    return due_at(policy, place) + GRACE_US < now
