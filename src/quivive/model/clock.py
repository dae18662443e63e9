"""Instants as integer microseconds since the Unix epoch, UTC.

Called by every stage that reads or writes a time. Must never read the clock inside a
codec or a judgement: `now_us` belongs to the edges, pure code takes the instant as an argument.
"""

import time
from datetime import UTC, datetime
from typing import Final, NewType

Micros = NewType("Micros", int)
"""An instant: integer microseconds since 1970-01-01T00:00:00Z. Names end in `_at`."""

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US

_INSTANT_MIN: Final = 0
_INSTANT_MAX: Final = 253_402_300_799 * SECOND_US  # 9999-12-31T23:59:59Z, the last RFC 3339 year


def now_us() -> Micros:
    """Read the wall clock. Edges only."""
    return Micros(time.time_ns() // 1_000)


def utc_day(at: Micros) -> str:
    """Return the UTC day of an instant as `yyyymmdd`; names segment folders (ADR 0003)."""
    return datetime.fromtimestamp(at // SECOND_US, tz=UTC).strftime("%Y%m%d")


def utc_month(at: Micros) -> str:
    """Return the UTC month of an instant as `yyyymm`; names log shards (ADR 0004)."""
    return datetime.fromtimestamp(at // SECOND_US, tz=UTC).strftime("%Y%m")


def to_rfc3339(at: Micros) -> str:
    """Format an instant as RFC 3339 in UTC with microseconds and `Z`."""
    whole, micros = divmod(at, SECOND_US)
    return datetime.fromtimestamp(whole, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{micros:06d}Z"


def from_rfc3339(text: str) -> Micros:
    """Parse an RFC 3339 instant that carries an offset.

    Raises:
        ValueError: not RFC 3339, no offset, or outside years 1970 to 9999.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant needs an offset, for example 2026-11-22T14:05:00Z")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    at = (delta.days * 86_400 + delta.seconds) * SECOND_US + delta.microseconds
    if not _INSTANT_MIN <= at <= _INSTANT_MAX:
        raise ValueError("an instant must lie between the years 1970 and 9999")
    return Micros(at)
