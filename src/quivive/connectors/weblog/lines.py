r"""One line of a web server's access log becomes a hit: who, when, what was asked, how it ended.

Called by `connectors.weblog.translator`. Formats: `combined`, `common`, `haproxy`, `json`, or the very text of nginx's
`log_format` or Apache's `LogFormat`. Pure. Must never let a user name pass for another part of the line, nor put a
text of the line into a refusal.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from quivive.connectors.readable import address_of
from quivive.model.errors import ConfigurationError, QuiviveError

MAX_LINE: Final = 32_768
"""Characters of a line: servers cut the request line at 8 kB, headers add some."""
NGINX_COMBINED: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
APACHE_COMMON: Final = '%h %l %u %t "%r" %>s %b'
_NAMED: Final[dict[str, str]] = {"combined": NGINX_COMBINED, "common": APACHE_COMMON}
_HAPROXY: Final = re.compile(
    r"(?:.*?\bhaproxy\[\d+\]: )?(?P<address>\S+):\d+ \[(?P<time>[^\]]+)\] \S+ \S+ [-0-9+/]+ (?P<status>-?\d{1,3}) "
    r'\+?\d+ \S+ \S+ \S{4} [0-9+/]+ [0-9+/]+ (?:\{(?P<captured>[^"}]*)\} )?(?:\{[^"}]*\} )?"(?P<request>[^"]*)"?'
)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_CLF_TIME: Final = re.compile(
    r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?: ([+-]\d\d)(\d\d))?"
)
_TOKEN: Final = re.compile(r"\$\{?([a-z0-9_]+)\}?|%[<>!0-9,]*(?:\{([^}]*)\})?(\^?[a-zA-Z]{1,2}|%)")
_ESCAPED: Final = re.compile(r'\\(?:x([0-9a-fA-F]{2})|([nrtvb\\"]))')
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "b": "\b", "\\": "\\", '"': '"'}
_APACHE: Final[dict[str, str]] = {
    "h": "remote_addr",
    "a": "remote_addr",
    "u": "remote_user",
    "t": "time_local",
    "r": "request",
    "m": "request_method",
    "U": "uri",
    "q": "args",
    "s": "status",
    "L": "request_id",
    "b": "body_bytes_sent",
    "B": "body_bytes_sent",
}
_USED: Final = {
    "remote_addr", "remote_user", "time_local", "time_iso8601", "msec", "request", "request_method", "request_uri",
    "uri", "args", "query_string", "status", "request_id", "body_bytes_sent", "bytes_sent",
}  # fmt: skip
_VARIABLE_WIDTH: Final = frozenset({"remote_user"})


class LineError(QuiviveError):
    """A line is not of its format. `expected` in words, `found` never holds its text."""

    def __init__(self, field_name: str, expected: str, found: str) -> None:
        self.field, self.expected, self.found = field_name, expected, found
        super().__init__(f"{field_name}: expected {expected}, found {found}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One request. `target` as sent, with its query; `fields` holds what else the format names, by its name."""

    at: int
    user: str
    address: str
    method: str
    target: str
    status: int
    request_id: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


class LineReader:
    """Reads the lines of one format."""

    def __init__(
        self,
        form: str,
        *,
        zone: ZoneInfo,
        names: Mapping[str, str] | None = None,
        captured: tuple[str, ...] = (),
        keep: frozenset[str] = frozenset(),
        optional_request: bool = False,
    ) -> None:
        """`names`: our name → the field's, for JSON; `captured`: names of HAProxy's captured request headers.

        Raises:
            ConfigurationError: the format lacks what every access needs.
        """
        self._zone = zone
        self._names = dict(names or {})
        self._captured = captured
        self._keep = keep
        self._optional = optional_request
        self._form = form if form in {"json", "haproxy"} else "pattern"
        if self._form == "pattern":
            lazy = _pattern(_NAMED.get(form, form))
            self._lazy = re.compile(lazy)
            self._greedy = re.compile(lazy.replace("*?)", "*)"))

    def read(self, line: str) -> Hit:
        """Read a line without its newline.

        Raises:
            LineError: it is not of the format, or can be read in two ways.
        """
        if len(line) > MAX_LINE:
            raise LineError("(line)", f"at most {MAX_LINE} characters", "a longer line")
        if self._form == "json":
            return self._hit(self._json(line))
        if self._form == "haproxy":
            return self._hit(self._haproxy(line))
        match = self._lazy.fullmatch(line)
        if match is None:
            raise LineError("(line)", "the format declared", "another line")
        again = self._greedy.fullmatch(line)
        if again is None or again.groups() != match.groups():
            raise LineError("(line)", "a user name that does not look like the rest of the line", "two readings")
        return self._hit({name: _unescape(text) for name, text in match.groupdict(default="").items()})

    def _json(self, line: str) -> dict[str, str]:
        try:
            value = msgspec.json.decode(line.encode("utf-8", "surrogatepass"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise LineError("(line)", "one JSON object a line", "damaged JSON") from None
        if not isinstance(value, dict):
            raise LineError("(line)", "one JSON object a line", "another JSON value")
        return json_fields(value, self._names)

    def _haproxy(self, line: str) -> dict[str, str]:
        match = _HAPROXY.fullmatch(line)
        if match is None:
            raise LineError("(line)", "HAProxy's HTTP log format", "another line")
        found = {"remote_addr": match["address"], "time_local": match["time"], "status": match["status"]}
        found["request"] = match["request"]
        values = (match["captured"] or "").split("|")
        found.update(zip(self._captured, values, strict=False))
        return found

    def read_fields(self, fields: Mapping[str, Any]) -> Hit:
        """Read a record that is decoded already.

        Raises:
            LineError: a field is missing or wrong.
        """
        return self._hit(json_fields(fields, self._names))

    def _hit(self, found: dict[str, str]) -> Hit:
        urlless = self._optional and not (found.get("request_uri") or found.get("request") or found.get("uri"))
        method, target = ("POST", "") if urlless else _request(found)
        status = found.get("status", "")
        if not status.isdecimal() or not 100 <= int(status) <= 599:
            raise LineError("status", "an HTTP status", "nothing" if not status.strip("-0") else "another text")
        user = found.get("remote_user", "").strip()
        return Hit(
            at=self._at(found),
            user="" if user == "-" else user,
            address=address_of(found.get("remote_addr", "")),
            method=method,
            target=target,
            status=int(status),
            request_id=found.get("request_id", "").strip("-"),
            fields={name: found.get(name, "").strip() for name in self._keep},
        )

    def _at(self, found: dict[str, str]) -> int:
        if found.get("msec"):
            try:
                return round(float(found["msec"]) * 1_000) * 1_000
            except (ValueError, OverflowError):
                raise LineError("time", "seconds since 1970", "another text") from None
        text = found.get("time_iso8601", "")
        moment = _iso(text, self._zone) if text else _clf(found.get("time_local", "").strip("[]"), self._zone)
        if moment is None:
            raise LineError("time", "a time as the server writes it", "another text" if found else "nothing")
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def json_fields(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """Texts of a decoded object; `names` says what the log calls our fields, with dots into objects."""
    found = {name: _text(item) for name, item in value.items() if isinstance(item, (str, int, float))}
    for ours, theirs in names.items():
        item: Any = value
        for part in theirs.split("."):
            item = item.get(part) if isinstance(item, Mapping) else None
        found[ours] = _text(item) if isinstance(item, (str, int, float)) else ""
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _request(found: Mapping[str, str]) -> tuple[str, str]:
    method = found.get("request_method", "")
    target = found.get("request_uri", "")
    if not target and found.get("uri"):
        query = (found.get("args") or found.get("query_string") or "").lstrip("?").strip("-")
        target = f"{found['uri']}?{query}" if query else found["uri"]
    if not (method and target):
        parts = found.get("request", "").split(" ")
        if len(parts) < 2 or (len(parts) > 2 and not parts[-1].startswith("HTTP/")):
            raise LineError("request", "method, target and protocol", "another text")
        method, target = parts[0], " ".join(parts[1:-1] if len(parts) > 2 else parts[1:])
    if not method.isascii() or not method.isalpha() or not method.isupper() or len(method) > 16:
        raise LineError("request", "a method of HTTP", "another text")
    return method, target


def _clf(text: str, zone: ZoneInfo) -> datetime | None:
    match = _CLF_TIME.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        return None
    day, month, year, hour, minute, second = match[1], _MONTHS[match[2]], match[3], match[4], match[5], match[6]
    try:
        micro = int((match[7] or "0").ljust(6, "0"))
        naive = datetime(int(year), month, int(day), int(hour), int(minute), int(second), micro)  # noqa: DTZ001 - below
    except ValueError:
        return None
    if match[8] is None:
        return naive.replace(tzinfo=zone)
    sign = -1 if match[8][0] == "-" else 1
    return naive.replace(tzinfo=UTC) - sign * timedelta(hours=int(match[8][1:]), minutes=int(match[9]))


def _iso(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _unescape(text: str) -> str:
    r"""Undo `\xC3\xA9` and `\"` as nginx and Apache write them."""
    if "\\" not in text:
        return text
    raw = bytearray()
    at = 0
    for match in _ESCAPED.finditer(text):
        raw += text[at : match.start()].encode("utf-8", "surrogatepass")
        raw += bytes((int(match[1], 16),)) if match[1] else _LETTERS[match[2]].encode()
        at = match.end()
    raw += text[at:].encode("utf-8", "surrogatepass")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _pattern(form: str) -> str:
    """Pattern of a format text of nginx or Apache."""
    parts: list[str] = []
    seen: set[str] = set()
    at = 0
    for match in _TOKEN.finditer(form):
        literal = form[at : match.start()]
        parts.append(re.escape(literal))
        at = match.end()
        if match[3] == "%":
            parts.append("%")
            continue
        name = _token_name(match)
        quoted = literal.endswith('"') and form[at : at + 1] == '"'
        body = _body(name, quoted=quoted, bracketed=literal.endswith("["))
        if name in seen or not (name in _USED or name.startswith(("http_", "sent_http_", "cookie_"))):
            parts.append(f"(?:{body})")
        else:
            seen.add(name)
            parts.append(f"(?P<{name}>{body})")
    parts.append(re.escape(form[at:]))
    _check(seen)
    return "".join(parts)


def _token_name(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1]
    argument, letter = match[2], match[3]
    if letter == "i" and argument:
        return "http_" + re.sub(r"[^a-z0-9]", "_", argument.lower())
    if letter == "t" and argument:
        return "msec" if argument == "sec" else "time_iso8601" if argument.startswith("%Y-%m-%dT") else "other"
    return _APACHE.get(letter, "other")


def _body(name: str, *, quoted: bool, bracketed: bool) -> str:
    if name == "time_local" and not bracketed:
        return r"\[[^\[\]]+\]"
    if quoted:
        return r'(?:[^"\\]|\\.)*+'
    if bracketed:
        return r"[^\[\]]*"
    return r'[^"\n]*?' if name in _VARIABLE_WIDTH else r"\S*"


def _check(seen: set[str]) -> None:
    wanted = (
        ({"time_local", "time_iso8601", "msec"}, "the time of the request"),
        ({"status"}, "the status"),
        ({"request", "request_uri", "uri"}, "the request"),
    )
    for names, words in wanted:
        if not names & seen:
            raise ConfigurationError(file="(mapping)", key="log.format", expected=words, found="none")
