"""Dates as people export them become instants: spreadsheet serials, day first, epochs, the night clocks change.

Called by `mapping.translator`. Pure. Must never guess between day and month: the mapping says which comes first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from quivive.connectors.mapping.spec import Ambiguous, Unit

MAX_SERIAL: Final = 2_958_465.99999
"""31 December 9999 as a spreadsheet counts days."""
MAX_DURATION: Final = timedelta(days=31)
"""The longest duration added to an instant; a call or a shift is far shorter."""
MAX_DATES_CACHED: Final = 1_024
"""Texts kept with what they mean: one row names the same instant up to four times."""
_PACKED: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:[T ]?(\d\d)(\d\d)(\d\d)?)?", re.ASCII)
_SERIAL_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's clock has no zone
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_S: Final = (631_152_000, 4_102_444_800)  # 1990 to 2100: a smaller number is no epoch
_TIME: Final = r"(\d{1,2})[:hH](\d{2})(?:[:mM](\d{2})(?:[.,](\d{1,9}))?)?s?\s*([AaPp])?\.?(?:[Mm]\.?)?"
_CLOCK: Final = re.compile(_TIME, re.ASCII)
_LATER: Final = rf"(?:[T\s,]+(?:à\s+)?{_TIME}(?:\s*(Z|[+-]\d\d:?\d\d))?)?"
_SHAPES: Final = {
    "dmy": re.compile(r"(?P<d>\d{1,2})[/.\- ](?P<m>\d{1,2})[/.\- ](?P<y>\d{4}|\d{2})" + _LATER, re.ASCII),
    "mdy": re.compile(r"(?P<m>\d{1,2})[/.\- ](?P<d>\d{1,2})[/.\- ](?P<y>\d{4}|\d{2})" + _LATER, re.ASCII),
    "ymd": re.compile(r"(?P<y>\d{4})[/.\-](?P<m>\d{1,2})[/.\-](?P<d>\d{1,2})" + _LATER, re.ASCII),
    "iso": re.compile(r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)" + _LATER, re.ASCII),
}
_ZERO: Final = re.compile(r"0000-00-00.*|00/00/0000.*")
_COLONS: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{2})(?:[.,]\d+)?", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,16}(?:[.,]\d{1,12})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """An instant in microseconds UTC, and what was doubtful about it ("" when nothing)."""

    at: int
    doubt: str = ""


AMBIGUOUS: Final = "local time that exists twice (the night summer time ends)"
MISSING: Final = "local time that does not exist (the night summer time begins)"


def read_moment(raw: object, formats: Sequence[str]) -> datetime | None:
    """Read a date and time by the formats of the mapping, in order; None when none fits.

    The result carries an offset when the text did, and none otherwise.
    """
    if isinstance(raw, datetime):
        return raw
    if isinstance(raw, date):
        return datetime(raw.year, raw.month, raw.day)  # noqa: DTZ001 - the mapping's zone follows
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
        return None
    return _written(str(raw).strip(), tuple(formats))


@lru_cache(maxsize=MAX_DATES_CACHED)
def _written(text: str, formats: tuple[str, ...]) -> datetime | None:
    return next((found for word in formats if (found := _read(text, word)) is not None), None)


def is_zero_date(text: str) -> bool:
    """Tell whether a text is a database's way to write no date."""
    return _ZERO.fullmatch(text) is not None


def _read(text: str, word: str) -> datetime | None:
    try:
        if word == "ymd" and (packed := _PACKED.fullmatch(text)):
            text = "{}-{}-{} {}:{}:{}".format(*(part or "00" for part in packed.groups()))
        if word in _SHAPES:
            return _shaped(text, _SHAPES[word])
        if "%" in word:
            return datetime.strptime(text, word)  # noqa: DTZ007 - the mapping's zone follows
        return _numbered(text, word)
    except (ValueError, OverflowError):
        return None


def _numbered(text: str, word: str) -> datetime | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text.replace(",", "."))
    if word == "serial":
        if not 1 <= number <= MAX_SERIAL:
            return None
        # A day is 86,400,000 ms; the fraction of a double is good for about a microsecond.
        return _SERIAL_ZERO + timedelta(milliseconds=round(number * 86_400_000))
    scale = 1 if word == "epoch_s" else 1_000
    if not _EPOCH_S[0] * scale <= number <= _EPOCH_S[1] * scale:
        return None
    whole, _, rest = text.replace(",", ".").partition(".")
    fraction = timedelta(seconds=float("0." + rest)) if rest and scale == 1 else timedelta()
    return _EPOCH + timedelta(milliseconds=int(whole) * (1_000 // scale)) + fraction


def _shaped(text: str, shape: re.Pattern[str]) -> datetime | None:
    found = shape.fullmatch(text)
    if found is None:
        return None
    year = int(found["y"])
    day = datetime(year if year > 99 else 2000 + year, int(found["m"]), int(found["d"]))  # noqa: DTZ001
    hour, minute, second, fraction, half, offset = found.groups()[3:]
    if hour is None:
        return day
    moment = day + _since_midnight(hour, minute, second, fraction, half)
    return moment if offset is None else moment.replace(tzinfo=_offset(offset))


def _offset(text: str) -> tzinfo | None:
    return datetime.fromisoformat("2000-01-01T00:00:00" + text).tzinfo


def _since_midnight(hour: str, minute: str, second: str | None, fraction: str | None, half: str | None) -> timedelta:
    """Time since midnight; 24:00 is the end of the day. Raises ValueError."""
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError("hour")
        hours = hours % 12 + (12 if half in "pP" else 0)
    found = timedelta(
        hours=hours,
        minutes=int(minute),
        seconds=int(second or 0),
        microseconds=int((fraction or "0")[:6].ljust(6, "0")),
    )
    if int(minute) > 59 or int(second or 0) > 59 or found > timedelta(days=1):
        raise ValueError("time")
    return found


def read_time(raw: object) -> timedelta | None:
    """Read a time of day: `8:30`, `08:30:00`, `8h30`, `2:05 PM`, `24:00`, a spreadsheet's time or fraction of a day."""
    found: timedelta | None = None
    if isinstance(raw, (datetime, time)):
        found = timedelta(hours=raw.hour, minutes=raw.minute, seconds=raw.second, microseconds=raw.microsecond)
    elif isinstance(raw, timedelta):
        found = raw
    elif isinstance(raw, (str, int, float)) and not isinstance(raw, bool):
        found = _written_time(str(raw).strip())
    return found if found is not None and timedelta() <= found <= timedelta(days=1) else None


def _written_time(text: str) -> timedelta | None:
    try:
        if found := _CLOCK.fullmatch(text):
            return _since_midnight(*found.groups())
        if _NUMBER.fullmatch(text):
            return timedelta(milliseconds=round(float(text.replace(",", ".")) * 86_400_000))
    except (ValueError, OverflowError):
        return None
    return None


def read_duration(raw: object, unit: Unit) -> timedelta | None:
    """Read a duration; None when it is none, negative or longer than a month."""
    try:
        found = _duration(raw, unit)
    except OverflowError:
        return None
    return found if found is not None and timedelta() <= found <= MAX_DURATION else None


def _duration(raw: object, unit: Unit) -> timedelta | None:
    if isinstance(raw, timedelta):
        return raw
    if isinstance(raw, (time, datetime)):
        return read_time(raw)
    text = str(raw).strip()
    if found := _COLONS.fullmatch(text):  # whatever the unit: nothing else is written with colons
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text.replace(",", "."))
    seconds_each = {Unit.HOURS: 3_600.0, Unit.MINUTES: 60.0, Unit.MILLISECONDS: 0.001}.get(unit, 1.0)
    return timedelta(seconds=number * seconds_each)


def locate(moment: datetime, zone: ZoneInfo, policy: Ambiguous, floor: int) -> Located | None:
    """Place a local time in UTC; None when it exists twice and the mapping refuses that.

    `floor`: an instant of the same record that came before; an hour shown twice cannot lie before it.
    """
    if moment.tzinfo is not None:
        return Located(at=micros(moment))
    first, second = (micros(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first == second:
        return Located(at=first)
    if first > second:  # a gap: the clock went forward, what was meant is as long after it
        return Located(at=first, doubt=MISSING)
    if policy is Ambiguous.REFUSE:
        return None
    later = policy is Ambiguous.LATER or first < floor <= second
    return Located(at=second if later else first, doubt=AMBIGUOUS)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of a moment with an offset, exact."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
