"""Asterisk's queue log, as file (pipes) or as realtime table, becomes contacts.

Opened by the connector registry; fed with lines or with rows. Tells who was offered and who took a call of a queue;
it holds no internal call, no outbound one, and no end after a transfer. A call whose exit was never written keeps
an unknown end. Must never refuse the events of other things (pauses, members): they are passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.connectors.asterisk.endpoint import Endpoints
from quivive.connectors.asterisk.when import corrected, moment, offset_of, unique_epoch
from quivive.connectors.contact_book import ContactBook, Draft, Part, TelephonySettings, merged_parts
from quivive.connectors.model import Record, Refusal
from quivive.model.clock import SECOND_US

_ENTER, _RING, _CONNECT, _LEAVE, _HANGUP, _TRANSFER = range(6)
_STEPS: Final = {
    "ENTERQUEUE": _ENTER,
    "RINGNOANSWER": _RING,
    "RINGCANCELED": _RING,
    "CONNECT": _CONNECT,
    "COMPLETEAGENT": _HANGUP,
    "COMPLETECALLER": _HANGUP,
    "ABANDON": _HANGUP,
    "AGENTDUMP": _HANGUP,
    "TRANSFER": _TRANSFER,
    "BLINDTRANSFER": _TRANSFER,
    "ATTENDEDTRANSFER": _TRANSFER,
    "EXITWITHTIMEOUT": _LEAVE,
    "EXITWITHKEY": _LEAVE,
    "EXITEMPTY": _LEAVE,
}
_FIXED: Final = 5
_NO_CALL: Final = frozenset({"", "NONE", "MANAGER", "REALTIME"})


@dataclass(frozen=True, slots=True)
class _Fact:
    at: int
    naive: bool
    step: int
    queue: str
    agent: str
    data: tuple[str, ...]


class QueueLogTranslator(ContactBook[_Fact]):
    """Reads `epoch|callid|queue|agent|event|data…` lines or rows with the columns of the realtime table."""

    def __init__(self, settings: TelephonySettings) -> None:
        super().__init__(settings)
        self._endpoints, self._zone = Endpoints(settings.agents), ZoneInfo(settings.timezone)

    def read(self, record: Record) -> Refusal | None:
        """Take one line or row."""
        fields = _fields(record)
        if len(fields) < _FIXED:
            if fields == [""]:
                return None
            return Refusal(
                number=record.number,
                field="line",
                expected="time|callid|queue|agent|event",
                found=f"{len(fields)} fields",
            )
        time, call, queue, agent, event = (field.strip() for field in fields[:_FIXED])
        step = _STEPS.get(event.upper())
        if step is None or call.upper() in _NO_CALL:
            return None
        found = moment(time)
        if found is None:
            return Refusal(number=record.number, field="time", expected="an epoch or a date and time", found="string")
        data = tuple(field.strip() for field in fields[_FIXED:])
        fact = _Fact(found[0], found[1], step, queue, "" if agent.upper() == "NONE" else agent, data)
        self.add(call, fact, found[0], record.number)
        return None

    def build(self, contact: str, facts: Iterable[_Fact]) -> Draft | None:
        """Walk the events of one call in time."""
        steps = sorted(self._placed(contact, facts), key=lambda f: (f.at, f.step, f.agent, f.data))
        draft = Draft(direction="inbound", whole=steps[0].step == _ENTER)
        parts = [part for index, fact in enumerate(steps) if (part := self._part(fact, steps[index + 1 :]))]
        draft.parts = merged_parts(parts)
        entered = [fact for fact in steps if fact.step == _ENTER]
        connected = [fact for fact in steps if fact.step == _CONNECT]
        draft.queue = (connected or entered or steps)[0].queue
        if draft.queue in self._settings.outbound_queues:
            draft.direction = "outbound"
        draft.phone = next((phone for fact in entered if (phone := _caller(fact))), "")
        draft.instants = {
            "offered_at": min((part.from_at for part in draft.parts), default=steps[0].at),
            "started_at": connected[0].at if connected else 0,
        }
        last = steps[-1]
        draft.over = last.step in (_HANGUP, _TRANSFER, _LEAVE)
        if last.step == _HANGUP:
            draft.instants["ended_at"] = last.at
        return draft

    def _placed(self, contact: str, facts: Iterable[_Fact]) -> list[_Fact]:
        """Put local times of the realtime table at their instants."""
        held = list(facts)
        if not any(fact.naive for fact in held):
            return held
        epoch = unique_epoch(contact)
        offset = offset_of((fact.at, epoch) for fact in held if fact.naive)
        return [
            _Fact(corrected(f.at, offset, self._zone), False, f.step, f.queue, f.agent, f.data) if f.naive else f
            for f in held
        ]

    def _part(self, fact: _Fact, after: list[_Fact]) -> Part | None:
        if fact.step not in (_RING, _CONNECT) or not fact.agent:
            return None
        login = self._endpoints.login(fact.agent) or fact.agent
        if fact.step == _RING:  # ring time in milliseconds
            return Part(agent=login, from_at=fact.at - _number(fact.data, 0) * 1_000, to_at=fact.at, answered=False)
        rang = _number(fact.data, 2) * SECOND_US
        end = next((each.at for each in after if each.step >= _LEAVE or each.step == _ENTER), 0)
        return Part(agent=login, from_at=fact.at - rang, to_at=end)


def _fields(record: Record) -> list[str]:
    """Read a line, or the columns of the table: five and `data1`…`data5`, or one `data` with pipes."""
    fields = record.fields
    if "line" in fields:
        return str(fields["line"]).split("|")
    fixed = [_text(fields, *names) for names in (("time",), ("callid",), ("queuename", "queue"), ("agent",))]
    data = [_text(fields, f"data{place}") for place in range(1, 6)]
    if not any(data):
        data = _text(fields, "data").split("|")
    return [*fixed, _text(fields, "event"), *data]


def _text(fields: Any, *names: str) -> str:
    return next((str(fields[name]) for name in names if fields.get(name) is not None), "")


def _number(data: tuple[str, ...], place: int) -> int:
    """Read a duration; one above two hours is no ring time and counts as none."""
    text = data[place] if place < len(data) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 7 else 0


def _caller(fact: _Fact) -> str:
    """Read the caller's number: the second field of ENTERQUEUE, or the only number among two (writers differ)."""
    if len(fact.data) >= 2 and fact.data[1]:
        return fact.data[1]
    return fact.data[0] if fact.data and fact.data[0].lstrip("+").isdigit() else ""
