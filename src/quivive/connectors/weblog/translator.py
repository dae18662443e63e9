"""Lines of a web server's access log become access rows (docs/access-logs.md).

Opened by the registry of the connectors. A web log knows what was asked for and that an answer was sent, not what the
page showed: records are `predicate`, lists are `count_only`. Must never keep a URL, nor name a person whom the server
did not know: the login of a refused sign-in is nobody's.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.connectors.model import CanonicalRow, Record, Refusal, RowKind
from quivive.connectors.readable import address_of, readable
from quivive.connectors.weblog.lines import Hit, LineError, LineReader
from quivive.connectors.weblog.settings import WeblogSettings
from quivive.connectors.weblog.url_patterns import Page
from quivive.model.access import Action, CoverageClass, Outcome
from quivive.model.clock import MINUTE_US, Micros, to_rfc3339

MAX_CLASSES: Final = 1_000
"""Classes of unknown URLs told apart; the rest is one class."""
MAX_PLAYERS: Final = 10_000
"""Players followed at once: range requests of one file by one person."""
PLAYER_PAUSE_US: Final = 15 * MINUTE_US
"""A player silent for longer has begun again."""
MAX_LOGIN: Final = 256
_NOTHING_SENT: Final = frozenset({"HEAD", "OPTIONS", "TRACE", "CONNECT"})
_WRITES: Final = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})


class WeblogTranslator:
    """One access log. State: the players under way, and what was skipped."""

    def __init__(self, settings: WeblogSettings, *, zone: ZoneInfo) -> None:
        self._settings = settings
        own = {settings.agent, settings.address} - {"remote_user", "remote_addr"}
        self._reader = LineReader(
            settings.format,
            zone=zone,
            names=settings.fields,
            captured=settings.captured,
            keep=frozenset(own),
            optional_request=settings.optional_request,
        )
        self._players: OrderedDict[tuple[str, str, str], int] = OrderedDict()
        self._latest = 0
        self.skipped: Counter[str] = Counter()
        """Lines that make no row, by reason; unknown URLs by their class."""

    def feed(self, records: Iterable[Record], now: int) -> Iterator[CanonicalRow | Refusal]:
        """Take lines in field `line`, or decoded objects of a JSON log."""
        del now
        for record in readable(records):
            line = record.fields.get("line")
            if isinstance(line, str) and not line.strip():
                continue
            try:
                hit = self._reader.read_fields(record.fields) if line is None else self._reader.read(str(line))
            except LineError as error:
                yield Refusal(number=record.number, field=error.field, expected=error.expected, found=error.found)
                continue
            self._latest = max(self._latest, hit.at)
            row = self._row(hit, record, line)
            if row is not None:
                yield CanonicalRow(kind=RowKind.ACCESSES, number=record.number, value=row)

    def close(self, now: int) -> Iterator[CanonicalRow | Refusal]:
        """Nothing waits: a request is a line."""
        del now
        yield from ()

    def complete_to(self) -> int:
        """Time of the latest line. A server writes a line when the request ends."""
        return self._latest

    def _row(self, hit: Hit, record: Record, line: object) -> dict[str, Any] | None:
        page = self._settings.urls.page(hit.method, hit.target)
        reason = self._reason(hit, page)
        if page is None or reason:
            self.skipped[reason] += 1
            return None
        outcome = _outcome(hit.status)
        agent = self._agent(hit)
        address = address_of(hit.fields.get(self._settings.address, "")) or hit.address
        if hit.status == 206 and not self._begins(agent, address, hit):
            self.skipped["a range request of the same player"] += 1
            return None
        value: dict[str, Any] = {
            "id": hit.request_id or _digest(record, line),
            "at": to_rfc3339(Micros(hit.at)),
            "action": page.action.value,
            "outcome": outcome.value,
            **_shown(page, outcome),
        }
        if agent:
            value["agent"] = agent
        if address:
            value["address"] = address
        if page.contact and agent:
            value["contact"] = page.contact
        return value

    def _reason(self, hit: Hit, page: Page | None) -> str:
        """Why a request makes no row, "" when it makes one."""
        if hit.method in _NOTHING_SENT:
            return "a method that shows nothing"
        if page is None:
            known = self._settings.urls.class_of(hit.method, hit.target)
            return known if known in self.skipped or len(self.skipped) < MAX_CLASSES else "other URLs"
        if page.ignored:
            return page.ignored
        shows = hit.status < 300 or hit.status == 304 or hit.status >= 400 or page.action in _WRITES
        return "" if hit.status >= 200 and shows else "a redirection"  # a form answers with a redirection

    def _agent(self, hit: Hit) -> str:
        """Login the server vouches for. With 401 it is only what somebody typed."""
        if hit.status == 401:
            return ""
        login = hit.user if self._settings.agent == "remote_user" else hit.fields.get(self._settings.agent, "")
        login = login.strip()
        return login if login != "-" and len(login) <= MAX_LOGIN and login.isprintable() else ""

    def _begins(self, agent: str, address: str, hit: Hit) -> bool:
        """Whether a range request is the first of its player."""
        key = (agent, address, hit.target)
        last = self._players.get(key)
        self._players[key] = max(hit.at, last or 0)
        self._players.move_to_end(key)
        if len(self._players) > MAX_PLAYERS:
            self._players.popitem(last=False)
        return last is None or abs(hit.at - last) > PLAYER_PAUSE_US


def _outcome(status: int) -> Outcome:
    """How the request ended."""
    if status in {401, 403, 407}:
        return Outcome.DENIED
    if status == 499:
        return Outcome.ABORTED  # nginx: the browser left
    return Outcome.ERROR if status >= 400 else Outcome.OK


def _shown(page: Page, outcome: Outcome) -> dict[str, Any]:
    if outcome is not Outcome.OK:
        return {"tables": list(page.tables), "rows": 0, "coverage": CoverageClass.COUNT_ONLY.value}
    named = bool(page.records or page.identities) and not page.truncated
    found: dict[str, Any] = {
        "tables": list(page.tables),
        "coverage": (CoverageClass.PREDICATE if named else CoverageClass.COUNT_ONLY).value,
    }
    if page.records:
        found["records"] = list(page.records)
    if page.identities:
        found["identities"] = [{"kind": kind, "value": text} for kind, text in page.identities]
    if page.changed and page.action in _WRITES:
        found["changed"] = list(page.changed)
    if page.patterns:
        found["patterns"] = list(page.patterns)
    return found


def _digest(record: Record, line: object) -> str:
    """Identity of a line that has no number of its own: two equal lines of one instant are one request."""
    text = line if isinstance(line, str) else repr(sorted(record.fields.items(), key=str))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
