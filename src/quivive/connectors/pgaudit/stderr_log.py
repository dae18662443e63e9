"""PostgreSQL's plain log: `log_line_prefix`, severity, message; and which reader a declared format needs.

Called by `connectors.pgaudit.translator`. Pure. A name that makes a line readable in two ways makes it unreadable: a
client chooses its application's name, and must not choose whose line it is.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from quivive.connectors.model import Refusal
from quivive.connectors.pgaudit.server_log import (
    MAX_RECORD_CHARS,
    CsvLog,
    JsonLog,
    LogFormat,
    LogReader,
    LogRecord,
    instant,
    refused,
)
from quivive.model.errors import ConfigurationError

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
            yield refused(number, "(line)", "log_line_prefix, then the severity", "another line")
            return
        longest = self._longest.fullmatch(text)
        if longest is None or longest.groups() != match.groups():
            yield refused(number, "(line)", "names that do not look like the rest of the line", "two readings")
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
            return refused(number, "(time)", "a time with a zone this server is in", "another text")
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


def log_reader(form: LogFormat, *, zone: ZoneInfo, prefix: str = "") -> LogReader:
    """Open a reader.

    Raises:
        ConfigurationError: the prefix of a stderr log cannot tell who did what.
    """
    if form is LogFormat.CSVLOG:
        return CsvLog(zone)
    return JsonLog(zone) if form is LogFormat.JSONLOG else StderrLog(zone, prefix)
