"""Asterisk's call detail records, as Master.csv or as rows of SQL, become contacts.

Opened by the connector registry; fed with lines of the file (without header, 16 to 21 columns in either order) or
with rows named as the SQL tables name them. Several records make one call: they are merged by linked id, else by
unique id. Records are written at hang-up, so nothing is told of a call under way.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.connectors.asterisk.endpoint import Endpoints
from quivive.connectors.asterisk.when import corrected, moment, offset_of, unique_epoch
from quivive.connectors.contact_book import ContactBook, Draft, Part, TelephonySettings, merged_parts
from quivive.connectors.model import Record, Refusal
from quivive.model.clock import SECOND_US

_DISPOSITIONS: Final = frozenset({"ANSWERED", "NO ANSWER", "NOANSWER", "BUSY", "FAILED", "CONGESTION", "CANCEL"})
_UNIQUE_ID: Final = re.compile(r"(?:[\w.]*-)?\d{9,10}\.\d+")
_PARTIES: Final = ["src", "dst", "dcontext"]
_COURSE: Final = ["channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end"]
_MEASURES: Final = ["duration", "billsec", "disposition", "amaflags"]
_LAYOUTS: Final = (
    ["accountcode", *_PARTIES, "clid", *_COURSE, *_MEASURES],  # cdr_csv
    ["clid", *_PARTIES, *_COURSE, *_MEASURES, "accountcode"],  # the shipped example of cdr_custom
)
_LAST_IN_QUEUE: Final = "QUEUE"
_EXPECTED: Final = "16 to 21 columns as cdr_csv or cdr_custom write them"


@dataclass(frozen=True, slots=True)
class _Row:
    """One record. Times as written; `naive` when they lack an offset. `end` 0 when only a duration told it."""

    at: int
    naive: bool
    answered_at: int
    end: int
    unique: str
    channel: str
    peer: str
    source: str
    dialled: str
    queue: str
    answered: bool
    did: str


class CdrTranslator(ContactBook[_Row]):
    """Reads records and merges those of one call."""

    def __init__(self, settings: TelephonySettings) -> None:
        super().__init__(settings)
        self._endpoints, self._zone = Endpoints(settings.agents), ZoneInfo(settings.timezone)
        self._internal = re.compile(settings.internal)

    def complete_to(self) -> int:
        """Nothing can be told: a call under way has no record yet."""
        return 0

    def read(self, record: Record) -> Refusal | None:
        """Take one record."""
        if "line" in record.fields:
            line = str(record.fields["line"])
            if not line.strip():
                return None
            columns = _columns(line)
            if columns is None:
                return Refusal(number=record.number, field="line", expected=_EXPECTED, found="another layout")
        else:
            columns = {name.lower(): value for name, value in record.fields.items()}
        unique = _text(columns, "uniqueid")
        linked = _text(columns, "linkedid") or unique
        if not linked:
            return Refusal(number=record.number, field="uniqueid", expected="a unique id", found="nothing")
        row = _row(columns, unique or linked)
        if row is None:
            return Refusal(number=record.number, field="start", expected="a date and time", found="another text")
        self.add(linked, row, row.at, record.number)
        return None

    def build(self, contact: str, facts: Iterable[_Row]) -> Draft | None:
        """Merge the records of one call: each channel that is an agent's is a leg."""
        rows = sorted(self._placed(facts), key=lambda r: (r.at, r.unique != contact, r.unique, r.peer, r.end))
        first = rows[0]
        draft = Draft(over=True)
        draft.parts = merged_parts(part for row in rows for part in self._parts(row))
        caller = self._endpoints.login(first.channel)
        draft.direction = self._direction(rows, caller)
        draft.queue = next((row.queue for row in rows if row.queue), "")
        if draft.queue in self._settings.outbound_queues:
            draft.direction = "outbound"
        if draft.direction == "inbound":
            draft.phone = first.source
        elif draft.direction == "outbound":
            draft.phone = first.dialled if caller else first.source
        answers = [row.answered_at for row in rows if row.answered_at]
        offers = [part.from_at for part in draft.parts]
        draft.instants = {
            "offered_at": min(offers, default=first.at),
            "started_at": min(answers, default=0),
            "ended_at": max(row.end for row in rows),
        }
        return draft

    def _placed(self, facts: Iterable[_Row]) -> list[_Row]:
        held = list(facts)
        offset = offset_of((row.at, unique_epoch(row.unique)) for row in held if row.naive)

        def place(at: int) -> int:
            return corrected(at, offset, self._zone) if at else 0

        return [
            replace(row, at=place(row.at), answered_at=place(row.answered_at), end=place(row.end), naive=False)
            if row.naive
            else row
            for row in held
        ]

    def _parts(self, row: _Row) -> Iterable[Part]:
        """The caller's leg lasts the record; the called one's from its ringing."""
        caller, called = self._endpoints.login(row.channel), self._endpoints.login(row.peer)
        if caller:
            yield Part(agent=caller, from_at=row.at, to_at=row.end, answered=row.answered)
        if called and called != caller:
            yield Part(agent=called, from_at=row.at, to_at=row.end, answered=row.answered)

    def _direction(self, rows: list[_Row], caller: str) -> str:
        if not caller:
            return "inbound"
        outside = any(row.peer and not self._endpoints.login(row.peer) for row in rows)
        return "internal" if not outside and self._internal.fullmatch(rows[0].dialled) else "outbound"


def _columns(line: str) -> dict[str, str] | None:
    """Name the columns of a line: the layout whose dates and disposition stand where they must."""
    cells = next(csv.reader([line]), [])
    for names in _LAYOUTS:
        if len(cells) < len(names):
            continue
        columns = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        if columns["disposition"].upper() in _DISPOSITIONS and moment(columns["start"]):
            ids = [cell.strip() for cell in cells[len(names) :] if _UNIQUE_ID.fullmatch(cell.strip())]
            columns["uniqueid"] = ids[0] if ids else ""
            columns["linkedid"] = ids[-1] if ids else ""
            return columns
    return None


def _row(columns: Mapping[str, Any], unique: str) -> _Row | None:
    start = moment(columns.get("start") or columns.get("calldate"))
    if start is None:
        return None
    duration, talked = (_seconds(columns.get(name)) for name in ("duration", "billsec"))
    answered = _text(columns, "disposition").upper() in ("ANSWERED", "8")
    answer = moment(columns.get("answer") or None)
    end = start[0] + duration if duration or not columns.get("end") else (moment(columns["end"]) or start)[0]
    if answered and answer is None:
        answer = (max(start[0], end - talked), start[1])
    queue = _text(columns, "lastdata").split(",")[0] if _text(columns, "lastapp").upper() == _LAST_IN_QUEUE else ""
    return _Row(
        at=start[0],
        naive=start[1],
        answered_at=answer[0] if answered and answer else 0,
        end=end,
        unique=unique,
        channel=_text(columns, "channel"),
        peer=_text(columns, "dstchannel"),
        source=_text(columns, "src") or _text(columns, "cnum"),
        dialled=_text(columns, "dst"),
        queue=queue,
        answered=answered,
        did=_text(columns, "did"),
    )


def _text(columns: Mapping[str, Any], name: str) -> str:
    value = columns.get(name)
    return "" if value is None else str(value).strip()


def _seconds(value: Any) -> int:
    """Read a duration in seconds, which a SQL export may write with decimals."""
    try:
        seconds = float(value or 0)
    except (TypeError, ValueError):
        return 0
    return round(seconds * SECOND_US) if 0 <= seconds < 1e7 else 0
