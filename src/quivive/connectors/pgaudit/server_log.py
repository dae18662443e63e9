"""Lines of a PostgreSQL server log, in any of its three forms, become whole log records.

Called by `connectors.pgaudit.translator`, line by line: a statement may stand on many lines, and a file may begin or
end in the middle of one. Pure. Must never put a text of the log into a refusal, and never let the text of a statement
pass for the beginning of another record.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from quivive.connectors.model import Refusal
from quivive.model.errors import ConfigurationError

MAX_RECORD_CHARS: Final = 1 << 20
"""Characters of one log record; PostgreSQL cuts nothing, but no application sends a statement of this length."""
_CSV_FIELDS: Final = 23  # PostgreSQL 12; later versions append more
_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))? ([A-Za-z]{1,8}|[+-]\d\d(?::?\d\d)?)")
# Inside a quoted field every quote is doubled, so `,"` and one more character never stand there: whoever writes this
# into a statement does not begin a record.
_CSV_START: Final = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z0-9+:-]{1,9},(?:"[^",]|,)')
_CSV_START_AGAIN: Final = re.compile(_CSV_START.pattern.replace('(?:"[^",]|,)', '"[^",]'))
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


def log_reader(form: LogFormat, *, zone: ZoneInfo, prefix: str = "") -> LogReader:
    """Open a reader.

    Raises:
        ConfigurationError: the prefix of a stderr log cannot tell who did what.
    """
    if form is LogFormat.CSVLOG:
        return CsvLog(zone)
    return JsonLog(zone) if form is LogFormat.JSONLOG else StderrLog(zone, prefix)


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


def _refused(number: int, field: str, expected: str, found: str) -> Refusal:
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
            yield _refused(number - 1, "(record)", "the end of a record", "a cut record")
        if not self._lines and not starts:
            if text and not self._headless:
                self._headless = True
                yield _refused(number, "(record)", "the beginning of a record of csvlog", "another line")
            return
        self._headless = False
        self._lines.append(text)
        self._size += len(text)
        self._quotes += text.count('"')
        if self._size > MAX_RECORD_CHARS:
            self._drop()
            self._headless = True
            yield _refused(number, "(record)", f"at most {MAX_RECORD_CHARS} characters", "a longer record")
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
        try:
            fields = next(csv.reader(io.StringIO(whole, newline=""), strict=True))
        except (csv.Error, StopIteration):
            return _refused(number, "(record)", "CSV as csvlog writes it", "damaged quoting")
        if len(fields) < _CSV_FIELDS:
            return _refused(number, "(record)", f"at least {_CSV_FIELDS} fields", f"{len(fields)} fields")
        at = instant(fields[0], self._zone)
        if at is None:
            return _refused(number, "log_time", "a time with a zone this server is in", "another text")
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
            yield _refused(number, "(record)", "one JSON object a line", "damaged JSON")
            return
        if not isinstance(value, dict):
            yield _refused(number, "(record)", "one JSON object a line", type(value).__name__)
            return
        at = instant(_text(value, "timestamp"), self._zone)
        if at is None:
            yield _refused(number, "timestamp", "a time with a zone this server is in", "another text")
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


_ESCAPES: Final[dict[str, str]] = {
    "m": r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z0-9+:-]{1,9})",
    "t": r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Za-z0-9+:-]{1,9})",
    "n": r"(?P<epoch>\d{9,11}\.\d{3})",
    "p": r"(?P<process>\d+)",
    "P": r"\d*",
    "c": r"(?P<session>[0-9a-f]+\.[0-9a-f]+)",
    "l": r"(?P<line>\d+)",
    "s": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Za-z0-9+:-]{1,9}",
    "v": r"(?P<transaction>\d+/\d+)?",
    "x": r"\d+",
    "u": r"(?P<user>[^\n]{0,63}?)",
    "d": r"(?P<database>[^\n]{0,63}?)",
    "r": r"(?P<remote>(?:[0-9a-fA-F.:]+|\[local\]|[A-Za-z0-9.-]+)?(?:\(\d+\))?)",
    "h": r"(?P<host>(?:[0-9a-fA-F.:]+|\[local\]|[A-Za-z0-9.-]+)?)",
    "a": r"(?P<application>[^\n]{0,63}?)",
    "i": r"[A-Z ]{0,40}?",
    "e": r"(?P<state>[0-9A-Z]{5})",
    "b": r"[a-z ]{0,40}?",
    "Q": r"-?\d+",
    "%": "%",
}
_ESCAPE: Final = re.compile(r"%(-?\d+)?([A-Za-z%])")
_SEVERITY: Final = r"(?P<severity>[^\W\d_a-z]{3,12}):  (?P<message>.*)"


def prefix_pattern(prefix: str) -> re.Pattern[str]:
    """Turn `log_line_prefix` into a pattern for the first line of a record.

    Raises:
        ConfigurationError: an unknown escape, or no time, no user or no process in it.
    """
    parts, at, optional = [], 0, 0
    for match in _ESCAPE.finditer(prefix):
        parts.append(re.escape(prefix[at : match.start()]))
        at = match.end()
        letter = match[2]
        if letter == "q":
            parts.append("(?:")
            optional += 1
            continue
        known = _ESCAPES.get(letter)
        if known is None:
            raise _wrong_prefix("escapes that PostgreSQL knows", f"%{letter}")
        parts.append(f" *{known} *" if match[1] else known)
    parts += [re.escape(prefix[at:]), ")?" * optional]
    text = "".join(parts)
    for wanted, name in (("(?P<time>|(?P<epoch>", "%m"), ("(?P<user>", "%u"), ("(?P<session>|(?P<process>", "%c")):
        if not any(one in text for one in wanted.split("|")):
            raise _wrong_prefix(f"{name} in log_line_prefix", "none")
    try:
        return re.compile(text + _SEVERITY, re.DOTALL)
    except re.error:
        raise _wrong_prefix("each escape once", "one twice") from None


def _wrong_prefix(expected: str, found: str) -> ConfigurationError:
    return ConfigurationError(file="(mapping)", key="log.prefix", expected=expected, found=found)


class StderrLog:
    """`stderr`: a prefix, then the message; further lines of a record begin with a tab."""

    def __init__(self, zone: ZoneInfo, prefix: str) -> None:
        self._zone = zone
        self._first = prefix_pattern(prefix)
        # The same, names as long as they can be: where both readings differ, nobody can tell which one is true.
        self._longest = re.compile(self._first.pattern.replace("{0,63}?)", "{0,63})"), re.DOTALL)
        self._head: LogRecord | None = None
        self._lines: list[str] = []
        self._size = 0
        self._failed: dict[str, LogRecord] = {}  # ERROR of a session, until its STATEMENT

    def feed(self, number: int, text: str) -> Iterator[LogRecord | Refusal]:
        if text.startswith("\t"):
            if self._head is not None and self._size <= MAX_RECORD_CHARS:
                self._lines.append(text[1:])
                self._size += len(text)
                yield from self._complete(at_once=True)
            return
        yield from self._complete(at_once=False)
        if not text.strip():
            return
        match = self._first.fullmatch(text)
        if match is None:
            yield _refused(number, "(line)", "log_line_prefix, then the severity", "another line")
            return
        longest = self._longest.fullmatch(text)
        if longest is None or longest.groups() != match.groups():
            yield _refused(number, "(line)", "names that do not look like the rest of the line", "two readings")
            return
        head = self._record(number, match.groupdict())
        if isinstance(head, Refusal):
            yield head
            return
        self._head, self._lines, self._size = head, [head.message], len(text)
        yield from self._complete(at_once=True)

    def close(self) -> Iterator[LogRecord | Refusal]:
        yield from self._complete(at_once=False)

    def _complete(self, *, at_once: bool) -> Iterator[LogRecord]:
        """Give the record that waits: at once when its CSV is closed, else when the next one begins."""
        head = self._head
        if head is None:
            return
        message = "\n".join(self._lines)
        if at_once and (not head.message.startswith("AUDIT: ") or message.count('"') % 2):
            return
        self._head, self._lines, self._size = None, [], 0
        whole = replace(head, message=message)
        key = head.session or head.process
        if head.state and head.state != "00000" and head.severity in _FAILURES:
            self._failed[key] = whole
            while len(self._failed) > 1_024:
                del self._failed[next(iter(self._failed))]
            return
        failed = self._failed.get(key)
        if failed is not None and head.state == failed.state:
            if head.severity in _STATEMENTS:  # DETAIL, HINT and CONTEXT stand between the two
                yield replace(self._failed.pop(key), query=message)
            return
        if failed is not None:
            yield self._failed.pop(key)
        yield whole

    def _record(self, number: int, found: dict[str, str | None]) -> LogRecord | Refusal:
        time, epoch = found.get("time"), found.get("epoch")
        at = instant(time, self._zone) if time else int(float(epoch or 0) * 1_000) * 1_000
        if not at:
            return _refused(number, "(time)", "a time with a zone this server is in", "another text")
        line = found.get("line") or ""
        host = found.get("host") or (found.get("remote") or "").partition("(")[0]
        return LogRecord(
            number=number,
            at=at,
            message=found.get("message") or "",
            severity=found.get("severity") or "",
            state=found.get("state") or "",
            session=found.get("session") or "",
            process=found.get("process") or "",
            line=int(line) if line else 0,
            transaction=found.get("transaction") or "",
            user=found.get("user") or "",
            database=found.get("database") or "",
            host="" if host.startswith("[") else host,
            application=found.get("application") or "",
        )


_FAILURES: Final = frozenset({"ERROR", "FATAL", "PANIC", "ERREUR"})
_STATEMENTS: Final = frozenset({"STATEMENT", "INSTRUCTION"})
