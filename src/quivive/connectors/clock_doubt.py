"""Whether the clock or the zone of a feed is off, told from the feed itself. Pure.

Called by the folder watch and the dry run. Must never correct anything: a person decides, with the figure in hand.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from quivive.model.clock import HOUR_US, MINUTE_US, SECOND_US, from_rfc3339

MAX_SAMPLES: Final = 2_000
"""Rows compared: enough for a median, whatever the file holds."""
MIN_SAMPLES: Final = 3
QUARTER_US: Final = 15 * MINUTE_US
"""Offsets between zones are multiples of a quarter of an hour."""
TOLERANCE_US: Final = 4 * MINUTE_US
"""A native id is made when a call arrives, its first instant may be a queue's wait later."""
MAX_OFFSET_US: Final = 15 * HOUR_US
AHEAD_US: Final = 10 * MINUTE_US
"""Beyond it the intake refuses a row (a sender's clock may run a little fast)."""

_PAST: Final = (
    "at",
    "preview_at",
    "offered_at",
    "started_at",
    "ended_at",
    "wrapped_at",
    "opened_at",
    "assigned_at",
    "touched_at",
    "closed_at",
)
_EPOCH_IN_ID: Final = re.compile(r"(?:^|[^0-9])(1\d{9})\.\d+$", re.ASCII)
"""Asterisk and its kin begin a unique id with the second it was made in, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One row: the second its native id holds (0 when none) and its earliest instant, microseconds UTC."""

    made_at: int
    first_at: int


def instants_of(row: dict[str, Any]) -> list[int]:
    """Instants of a row that lie in the past by their meaning: not when something is due or expires."""
    found = []
    for name in _PAST:
        text = row.get(name)
        if isinstance(text, str):
            with contextlib.suppress(ValueError, OverflowError):
                found.append(int(from_rfc3339(text)))
    return found


def sample_of(row: dict[str, Any]) -> Sample | None:
    """What a row tells of its clock; None without an instant."""
    instants = instants_of(row)
    if not instants:
        return None
    found = _EPOCH_IN_ID.search(str(row.get("id", "")))
    return Sample(made_at=int(found[1]) * SECOND_US if found else 0, first_at=min(instants))


def clock_doubt(samples: Sequence[Sample], now: int) -> str:
    """One sentence when the times of a feed cannot be right, "" when nothing speaks against them."""
    offsets = [each.first_at - each.made_at for each in samples if each.made_at]
    if len(offsets) >= MIN_SAMPLES:
        middle = int(median(offsets))
        steps = round(middle / QUARTER_US)
        if abs(steps) >= 2 and abs(middle - steps * QUARTER_US) <= TOLERANCE_US and abs(middle) <= MAX_OFFSET_US:
            return f"times are {_shown(steps * QUARTER_US)} against the native ids: check the time zone"
    ahead = [each.first_at - now for each in samples if each.first_at > now + AHEAD_US]
    if ahead:
        furthest = _shown(max(ahead))
        return (
            f"{len(ahead)} of {len(samples)} rows lie in the future, at most {furthest}: check the clock and the zone"
        )
    return ""


def _shown(offset: int) -> str:
    sign = "+" if offset >= 0 else "-"
    hours, rest = divmod(abs(offset), HOUR_US)
    return f"{sign}{hours}:{rest // MINUTE_US:02d} h"
