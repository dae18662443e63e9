"""Instants of Asterisk: epochs, local times without offset, and the epoch that a unique id hides.

Used by the Asterisk translators. Pure. Must never read the zone of this machine: a local time is corrected by the
unique id of its own call, or by the zone that the source declares.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.model.clock import MINUTE_US, SECOND_US

_UNIQUE: Final = re.compile(r"(?:.*-)?(\d{9,10})\.\d+")
_EPOCH: Final = re.compile(r"\d{9,10}(\.\d{1,9})?")
_STEP_US: Final = 15 * MINUTE_US  # every offset in use is a multiple of a quarter of an hour
_MAX_OFFSET_US: Final = 14 * 60 * MINUTE_US
_EARLY_US: Final = 2 * SECOND_US  # a channel is born a moment before its own record says so, or rounded below it
_LATE_US: Final = 7 * MINUTE_US  # below half a step: an announcement may play before the first fact of a call
_BEYOND_S: Final = 1 << 33  # the year 2242: what is later is no instant of a call, and none of its sums may overflow
_ORIGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)


def unique_epoch(text: str) -> int:
    """Read the birth of a channel from its unique id (`1690325492.12`, `pbx1-1690325492.12`); 0 when it has none."""
    found = _UNIQUE.fullmatch(text)
    return int(found[1]) * SECOND_US if found else 0


def moment(value: Any) -> tuple[int, bool] | None:
    """Read an instant in microseconds and whether it lacks an offset ("naive"); None when it is no instant."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return (round(value * SECOND_US), False) if 0 < value < _BEYOND_S else None
    text = str(value).strip()
    if _EPOCH.fullmatch(text):
        whole, _, rest = text.partition(".")
        return int(whole) * SECOND_US + int((rest + "000000")[:6]), False
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    naive = found.tzinfo is None
    if naive:
        found = found.replace(tzinfo=UTC)
    at = (found - _ORIGIN) // timedelta(microseconds=1)
    return (at, naive) if 0 < at < _BEYOND_S * SECOND_US else None


def offset_of(pairs: Iterable[tuple[int, int]]) -> int | None:
    """Tell the offset of local times from pairs (local time, epoch of the unique id); None when they do not tell.

    The first fact of a call follows its birth at once, so the smallest difference is the offset.
    """
    differences = [local - epoch for local, epoch in pairs if epoch]
    if not differences:
        return None
    least = min(differences)
    offset = round(least / _STEP_US) * _STEP_US
    if abs(offset) > _MAX_OFFSET_US or not -_EARLY_US <= least - offset <= _LATE_US:
        return None
    return offset


def corrected(local: int, offset: int | None, zone: ZoneInfo) -> int:
    """Turn a local time into an instant, by the offset of its call or by the declared zone."""
    if offset is not None:
        return local - offset
    wall = datetime.fromtimestamp(local // SECOND_US, tz=UTC).replace(tzinfo=zone)
    return (wall.astimezone(UTC) - _ORIGIN) // timedelta(seconds=1) * SECOND_US + local % SECOND_US
