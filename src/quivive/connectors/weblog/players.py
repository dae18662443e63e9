"""The web server in front of a recorder's folder: lines of its access log become listening (contact-centre §8 item 11).

Opened by the registry for a mapping whose `translator` is `recorder-log`. A player asks for a file in pieces: the range
requests of one person for one file within a quarter of an hour are one listening, with the share of the sound that was
sent. Must never keep a URL or an address, nor name a person whom the server did not know.

The sound heard is told from what was sent: bytes of whole answers (200) and of ranges (206), divided by the bytes a
second of the declared format. A file fetched whole may have been played or kept: it is a download when the address says
so (`download` patterns), else a playback.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.connectors.hearing_book import HearingBook, HearingFact
from quivive.connectors.mapping.leaf import Place
from quivive.connectors.model import CanonicalRow, Record, Refusal, RowKind
from quivive.connectors.readable import readable
from quivive.connectors.weblog.lines import Hit, LineError, LineReader
from quivive.model.clock import MINUTE_US
from quivive.model.errors import ConfigurationError

MAX_PLAYERS: Final = 10_000
"""Players followed at once."""
PAUSE_US: Final = 15 * MINUTE_US
"""A player silent for longer has begun again."""
MAX_BYTES: Final = 1 << 40
_KNOWN: Final = frozenset(
    {"translator", "title", "grade", "lateness", "log", "recordings", "download", "bytes_per_second"}
)
_LOG: Final = frozenset({"format", "timezone", "agent", "fields"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerSettings:
    """One recorder's log. `path`: what a recording's address looks like; `download`: what one that saves it holds."""

    format: str
    timezone: str
    agent: str
    path: re.Pattern[str]
    download: re.Pattern[str] | None
    bytes_per_second: int


@dataclass(slots=True)
class _Player:
    name: str
    last_at: int
    sent: int = 0


class RecorderLogTranslator:
    """One access log. State: the players under way."""

    def __init__(self, settings: PlayerSettings, book: HearingBook, *, zone: ZoneInfo) -> None:
        self._settings, self._book = settings, book
        own = {settings.agent, "body_bytes_sent", "bytes_sent"} - {"remote_user"}
        self._reader = LineReader(settings.format, zone=zone, keep=frozenset(own))
        self._players: dict[tuple[str, str], list[_Player]] = {}
        self._latest = 0
        self.skipped: Counter[str] = Counter()

    def feed(self, records: Iterable[Record], now: int) -> Iterator[CanonicalRow | Refusal]:
        """Take lines; give the rows of the players they touched."""
        del now
        for record in readable(records):
            line = str(record.fields.get("line", ""))
            if not line.strip():
                continue
            try:
                self._take(self._reader.read(line), record.number)
            except LineError as error:
                yield Refusal(number=record.number, field=error.field, expected=error.expected, found=error.found)
        yield from self._book.rows()

    def close(self, now: int) -> Iterator[CanonicalRow | Refusal]:
        """Nothing waits: every request is a line."""
        del now
        yield from ()

    def complete_to(self) -> int:
        """Time of the latest line."""
        return self._latest

    def _take(self, hit: Hit, number: int) -> None:
        self._latest = max(self._latest, hit.at)
        path = hit.target.partition("?")[0]
        found = self._settings.path.fullmatch(path)
        if found is None or hit.method not in ("GET", "POST"):
            self.skipped["no recording"] += 1
            return
        if hit.status not in (200, 206):
            self.skipped["nothing was sent"] += 1
            return
        listener = hit.user if self._settings.agent == "remote_user" else hit.fields.get(self._settings.agent, "")
        location = found["recording"]
        player = self._player((listener or hit.address, location), hit.at)
        player.sent += _bytes(hit)
        saves = self._settings.download is not None and self._settings.download.search(hit.target) is not None
        fact = HearingFact(
            at=hit.at,
            what="begin",
            kind="download" if saves else "playback",
            listener=listener,
            location=location,
            heard_ms=player.sent * 1_000 // self._settings.bytes_per_second if self._settings.bytes_per_second else -1,
        )
        self._book.add(RowKind.LISTENINGS, player.name, fact, number)

    def _player(self, who: tuple[str, str], at: int) -> _Player:
        """The player that this request belongs to."""
        held = self._players.setdefault(who, [])
        for player in held:
            if abs(at - player.last_at) <= PAUSE_US:
                player.last_at = max(at, player.last_at)
                return player
        player = _Player(name=f"{who[0]}/{who[1]}/{at // PAUSE_US}", last_at=at)
        held.append(player)
        if len(self._players) > MAX_PLAYERS:
            self._players.pop(next(iter(self._players)))
        return player


def _bytes(hit: Hit) -> int:
    text = hit.fields.get("body_bytes_sent", "") or hit.fields.get("bytes_sent", "")
    return min(int(text), MAX_BYTES) if text.isdecimal() and len(text) < 16 else 0


def player_settings(document: dict[str, Any], file: str) -> PlayerSettings:
    """Read the document of a recorder's log.

    Raises:
        ConfigurationError: a key is unknown, or the pattern does not name the group `recording`.
    """
    place = Place(file=file, key="", renamed={})
    place.known(document, _KNOWN)
    log = place.at("log").mapping(document.get("log", {}))
    place.at("log").known(log, _LOG)
    rate = document.get("bytes_per_second", 0)
    if not isinstance(rate, int) or isinstance(rate, bool) or not 0 <= rate <= 10_000_000:
        raise place.at("bytes_per_second").wrong("0 to 10000000", type(rate).__name__)
    path = _pattern(str(document.get("recordings", "")), file, "recordings", group="recording")
    download = str(document.get("download", ""))
    return PlayerSettings(
        format=str(log.get("format", "combined")),
        timezone=str(log.get("timezone", "")),
        agent=str(log.get("agent", "remote_user")),
        path=path,
        download=_pattern(download, file, "download") if download else None,
        bytes_per_second=rate,
    )


def _pattern(text: str, file: str, key: str, *, group: str = "") -> re.Pattern[str]:
    try:
        found = re.compile(text)
    except re.error as error:
        raise ConfigurationError(file=file, key=key, expected="a regular expression", found=error.msg) from None
    if group and group not in found.groupindex:
        expected = f"a regular expression with the group (?P<{group}>…)"
        raise ConfigurationError(file=file, key=key, expected=expected, found="no such group")
    return found
