"""Manager events of Asterisk become contacts while calls last: channels, bridges, queues, transfers, listening.

Fed by the AMI client with one record per event; `self.now` stands in where the event carries no `Timestamp`
(`timestampevents = yes` makes it carry one). Must never keep a caller's name or a dialplan argument.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from quivive.connectors.asterisk.assemble import ChannelFact, Step
from quivive.connectors.asterisk.hearing import HEARD, take_event
from quivive.connectors.asterisk.linked import LinkedCalls
from quivive.connectors.asterisk.when import moment
from quivive.connectors.contact_book import CAP_US, TelephonySettings
from quivive.connectors.hearing_book import HearingBook
from quivive.connectors.model import CanonicalRow, Record, Refusal
from quivive.model.clock import SECOND_US

_UP: Final = "6"
_STEPS: Final = {
    "newchannel": Step.START,
    "newcallerid": Step.NAMED,
    "bridgeenter": Step.ENTER,
    "bridgeleave": Step.EXIT,
    "hangup": Step.END,
}
_UNKNOWN: Final = frozenset({"<unknown>", "unknown"})


class AmiTranslator(LinkedCalls):
    """Follows channels by their events. CEL events that come the same way would tell the same twice: passed over."""

    def __init__(self, settings: TelephonySettings) -> None:
        super().__init__(settings, live=True)
        self._hearing = HearingBook(settings, live=True)

    def read(self, record: Record) -> Refusal | None:
        """Take one event; events of other things are passed over."""
        kind = _text(record.fields, "event").lower()
        for fact in self._facts(kind, record.fields):
            if fact.linked:
                self.take(fact, record.number)
        if kind in HEARD:
            take_event(self._hearing, kind, record.fields, self._at(record.fields), self.login, record.number)
        return None

    def feed(self, records: Iterable[Record], now: int) -> Iterable[CanonicalRow | Refusal]:
        """Take events; calls that have been silent beyond the cap leave the book: their hang-up was missed."""
        rows = super().feed(records, now)
        self.forget_before(now - CAP_US)
        self._hearing.forget_silent(now)
        return [*rows, *self._hearing.rows()]

    def _facts(self, kind: str, fields: Mapping[str, Any]) -> list[ChannelFact]:
        at = self._at(fields)
        step = _STEPS.get(kind)
        if kind == "newstate" and _text(fields, "channelstate") == _UP:
            step = Step.ANSWER
        if step is not None:
            return [_channel(at, step, fields)]
        if kind == "coreshowchannel":
            return _under_way(at, fields)
        if kind in _OF_QUEUES:
            return self._queue_facts(at, kind, fields)
        if kind in ("chanspystart", "chanspystop"):
            return _spy(at, kind, fields)
        if kind == "attendedtransfer" and _text(fields, "result").lower() == "success":
            return _transfer(at, fields)
        return []

    def _queue_facts(self, at: int, kind: str, fields: Mapping[str, Any]) -> list[ChannelFact]:
        """A queue names itself on the caller's channel, and its member on the called one."""
        caller = _channel(at, Step.OTHER, fields)
        waiting = replace(caller, number="", queue=_text(fields, "queue"))
        called = _channel(at, Step.CONNECT if kind == "agentconnect" else Step.RANG, fields, "dest")
        if kind not in ("agentcalled", "agentconnect") or not called.unique:
            return [waiting]
        agent = self.login(_text(fields, "interface")) or _text(fields, "membername")
        return [waiting, replace(called, linked=caller.linked or called.linked, number="", agent=agent)]

    def _at(self, fields: Mapping[str, Any]) -> int:
        found = moment(_text(fields, "timestamp") or None)
        return found[0] if found and not found[1] else self.now


_OF_QUEUES: Final = frozenset(
    {"queuecallerjoin", "queuecallerleave", "agentcalled", "agentconnect", "agentcomplete", "agentringnoanswer"}
)


def _channel(at: int, step: Step, fields: Mapping[str, Any], side: str = "") -> ChannelFact:
    unique = _text(fields, f"{side}uniqueid")
    number = _text(fields, f"{side}calleridnum")
    return ChannelFact(
        at=at,
        step=step,
        linked=_text(fields, f"{side}linkedid") or unique,
        unique=unique,
        channel=_text(fields, f"{side}channel"),
        number="" if number.lower() in _UNKNOWN else number,
        exten=_text(fields, f"{side}exten") if step is Step.START else "",
    )


def _spy(at: int, kind: str, fields: Mapping[str, Any]) -> list[ChannelFact]:
    """Listening is a leg of the call listened to, and of nothing else."""
    spyer = _channel(at, Step.SPY if kind == "chanspystart" else Step.SPY_END, fields, "spyer")
    listened = _text(fields, "spyeelinkedid") or _text(fields, "spyeeuniqueid")
    if not listened:
        return [spyer]
    return [replace(spyer, linked=listened, unique=f"{spyer.unique}#", number="")]


def _transfer(at: int, fields: Mapping[str, Any]) -> list[ChannelFact]:
    """The channels that an attended transfer moves belong to the customer's call from then on."""
    handover = _channel(at, Step.HANDOVER, fields, "origtransferer")
    moved = (_channel(at, Step.OTHER, fields, side) for side in ("transferee", "transfertarget", "secondtransferer"))
    return [handover, *(replace(fact, linked=handover.linked, number="") for fact in moved if fact.unique)]


def _under_way(at: int, fields: Mapping[str, Any]) -> list[ChannelFact]:
    """A channel that was there before us; its call stays one whose beginning was not seen."""
    since = at - _duration(_text(fields, "duration"))
    facts = [_channel(since, Step.NAMED, fields)]
    if _text(fields, "bridgeid"):
        facts.append(_channel(since, Step.ENTER, fields))
    return facts


def _duration(text: str) -> int:
    """Read `hh:mm:ss`."""
    seconds = 0
    for part in text.split(":"):
        if not part.isdigit() or len(part) > 6:
            return 0
        seconds = seconds * 60 + int(part)
    return seconds * SECOND_US


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value).strip()
