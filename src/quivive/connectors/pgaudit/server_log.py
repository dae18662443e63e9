"""Lines of a PostgreSQL server log, in any of its three forms, become whole log records.

Called by `connectors.pgaudit.translator`, line by line: a statement may stand on many lines, and a file may begin or
end in the middle of one. Pure. Must never put a text of the log into a refusal, and never let the text of a statement
pass for the beginning of another record.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from quivive.connectors.model import Refusal

MAX_RECORD_CHARS: Final = 1 << 20
"""Characters of one log record; PostgreSQL cuts nothing, but no application sends a statement of this length."""
_CSV_FIELDS: Final = 23  # PostgreSQL 12; later versions append more
_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))? ([A-Za-z]{1,8}|[+-]\d\d(?::?\d\d)?)")
# Inside a quoted field every quote is doubled, so `,"` and one more character never stand there: whoever writes this
# into a statement does not begin a record.
_CSV_START: Final = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z0-9+:-]{1,9},(?:"[^",]|,)')
_CSV_START_AGAIN: Final = re.compile(_CSV_START.pattern.replace('(?:"[^",]|,)', '"[^",]'))
_FIELD: Final = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",]*+))(,|\Z)')
_UTC_NAMES: Final = frozenset({"UTC", "GMT", "Z"})


class LogFormat(StrEnum):
    """`log_destination` of the server."""

    CSVLOG = "csvlog"
    JSONLOG = "jsonlog"
    STDERR = "stderr"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One record of the log. `line` counts within its session, 0 when not told; `number` is the file's line."""

    number: int
    at: int
    message: str
    severity: str = "LOG"
    state: str = ""
    query: str = ""
    session: str = ""
    process: str = ""
    line: int = 0
    transaction: str = ""
    user: str = ""
    database: str = ""
    host: str = ""
    application: str = ""


class LogReader(Protocol):
    """Takes the lines of one log in order."""

    def feed(self, number: int, text: str) -> Iterator[LogRecord | Refusal]:
        """Take one line, without its newline."""

    def close(self) -> Iterator[LogRecord | Refusal]:
        """Give what still waits for a further line."""


def csv_fields(text: str) -> list[str] | None:
    """Fields of one CSV record of any length; None when its quoting is damaged."""
    found: list[str] = []
    at = 0
    while (match := _FIELD.match(text, at)) is not None:
        quoted, plain, end = match.groups()
        found.append(plain if quoted is None else quoted.replace('""', '"'))
        at = match.end()
        if not end:
            return found
    return None


def instant(text: str, zone: ZoneInfo) -> int | None:
    """Microseconds UTC of a log time. The abbreviation tells summer from winter in the hour a clock shows twice."""
    match = _STAMP.fullmatch(text.strip())
    if match is None:
        return None
    day, clock, fraction, name = match.groups()
    try:
        naive = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0').ljust(6, '0')}")
    except ValueError:
        return None
    offset = _offset(naive, name, zone)
    if offset is None:
        return None
    moment = naive.replace(tzinfo=UTC) - offset
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _offset(naive: datetime, name: str, zone: ZoneInfo) -> timedelta | None:
    if name in _UTC_NAMES:
        return timedelta(0)
    if name[0] in "+-":
        digits = name[1:].replace(":", "")
        sign = -1 if name[0] == "-" else 1
        return sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or "0"))
    for fold in (0, 1):
        local = naive.replace(tzinfo=zone, fold=fold)
        if local.tzname() == name:
            return local.utcoffset()
    return None


def refused(number: int, field: str, expected: str, found: str) -> Refusal:
    return Refusal(number=number, field=field, expected=expected, found=found)


class CsvLog:
    """`csvlog`: one CSV record, over several lines where a statement does."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._lines: list[str] = []
        self._size = 0
        self._quotes = 0
        self._headless = False  # lines of a record whose beginning is not here

    def feed(self, number: int, text: str) -> Iterator[LogRecord | Refusal]:
        starts = (_CSV_START_AGAIN if self._lines else _CSV_START).match(text) is not None
        if self._lines and starts:
            self._drop()
            yield refused(number - 1, "(record)", "the end of a record", "a cut record")
        if not self._lines and not starts:
            if text and not self._headless:
                self._headless = True
                yield refused(number, "(record)", "the beginning of a record of csvlog", "another line")
            return
        self._headless = False
        self._lines.append(text)
        self._size += len(text)
        self._quotes += text.count('"')
        if self._size > MAX_RECORD_CHARS:
            self._drop()
            self._headless = True
            yield refused(number, "(record)", f"at most {MAX_RECORD_CHARS} characters", "a longer record")
        elif self._quotes % 2 == 0:
            whole = "\n".join(self._lines)
            self._drop()
            yield self._record(number, whole)

    def close(self) -> Iterator[LogRecord | Refusal]:
        """A record without its end waits for the next file: rotation cuts between records."""
        yield from ()

    def _drop(self) -> None:
        self._lines, self._size, self._quotes = [], 0, 0

    def _record(self, number: int, whole: str) -> LogRecord | Refusal:
        fields = csv_fields(whole)
        if fields is None:
            return refused(number, "(record)", "CSV as csvlog writes it", "damaged quoting")
        if len(fields) < _CSV_FIELDS:
            return refused(number, "(record)", f"at least {_CSV_FIELDS} fields", f"{len(fields)} fields")
        at = instant(fields[0], self._zone)
        if at is None:
            return refused(number, "log_time", "a time with a zone this server is in", "another text")
        return LogRecord(
            number=number,
            at=at,
            user=fields[1],
            database=fields[2],
            process=fields[3],
            host=_host(fields[4]),
            session=fields[5],
            line=int(fields[6]) if fields[6].isdecimal() else 0,
            transaction=fields[9],
            severity=fields[11],
            state=fields[12],
            message=fields[13],
            query=fields[19],
            application=fields[22],
        )


def _host(connection: str) -> str:
    """Address without its port; `[local]` is no address."""
    host = connection.rpartition(":")[0] if ":" in connection else connection
    return "" if host.startswith("[local") else host.strip("[]")


class JsonLog:
    """`jsonlog` of PostgreSQL 15 and later: one object a line."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def feed(self, number: int, text: str) -> Iterator[LogRecord | Refusal]:
        if not text.strip():
            return
        try:
            value = msgspec.json.decode(text.encode("utf-8", "surrogatepass"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield refused(number, "(record)", "one JSON object a line", "damaged JSON")
            return
        if not isinstance(value, dict):
            yield refused(number, "(record)", "one JSON object a line", type(value).__name__)
            return
        at = instant(_text(value, "timestamp"), self._zone)
        if at is None:
            yield refused(number, "timestamp", "a time with a zone this server is in", "another text")
            return
        host = _text(value, "remote_host")
        yield LogRecord(
            number=number,
            at=at,
            user=_text(value, "user"),
            database=_text(value, "dbname"),
            process=_text(value, "pid"),
            host="" if host.startswith("[local") else host,
            session=_text(value, "session_id"),
            line=_number(value, "line_num"),
            transaction=_text(value, "vxid"),
            severity=_text(value, "error_severity"),
            state=_text(value, "state_code"),
            message=_text(value, "message"),
            query=_text(value, "statement"),
            application=_text(value, "application_name"),
        )

    def close(self) -> Iterator[LogRecord | Refusal]:
        """Nothing waits: a record is a line."""
        yield from ()


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name, "")
    return found if isinstance(found, str) else str(found) if isinstance(found, int) else ""


def _number(value: dict[str, Any], name: str) -> int:
    found = value.get(name, 0)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
