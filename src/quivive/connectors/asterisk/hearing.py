"""Recordings and listening as Asterisk tells of them: manager events (AMI) and the channel event log (CEL).

Used by the AMI and CEL translators. Pure. `MixMonitor…`, `Monitor…` and `ChanSpy…` are events of their own; whisper and
barge are options of ChanSpy that only the channel event log shows. Must never keep a file name, which the intake keys,
nor take the channel of a trunk for a person.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from quivive.connectors.hearing_book import HearingBook, HearingFact
from quivive.connectors.model import RowKind

_BEGINS: Final = frozenset({"mixmonitorstart", "monitorstart"})
_ENDS: Final = frozenset({"mixmonitorstop", "monitorstop"})
HEARD: Final = frozenset({*_BEGINS, *_ENDS, "mixmonitormute", "chanspystart", "chanspystop", "userevent"})
"""Manager events that tell of a recording or of listening, in lower case."""
_ON: Final = frozenset({"1", "true", "on", "yes"})
_RECORDERS: Final = frozenset({"MIXMONITOR", "MONITOR", "RECORD"})
_SPIES: Final = frozenset({"CHANSPY", "EXTENSPY"})
_PIECE: Final = "quiviverecording"
"""What the shipped dialplan says with `UserEvent(QuiviveRecording,…)`: the file and the gate's answer."""
_ANSWER: Final = re.compile(r"[0-9a-f]{32}")
Login = Callable[[str], str]


def take_event(book: HearingBook, kind: str, fields: Mapping[str, Any], at: int, login: Login, number: int) -> None:
    """Take one manager event of `HEARD`; `kind` in lower case."""
    if kind.startswith("chanspy"):
        _spy(book, kind, fields, at, login, number)
        return
    unique = _text(fields, "uniqueid")
    if kind == "userevent":
        if _text(fields, "userevent").lower() == _PIECE and unique:
            book.add(RowKind.RECORDINGS, _recording_id(unique), _told(fields, at), number)
        return
    if not unique:
        return
    what = "begin" if kind in _BEGINS else "end"
    if kind == "mixmonitormute":
        what = "mute" if _text(fields, "state").lower() in _ON else "on"
    fact = HearingFact(
        at=at,
        what=what,
        contact=_text(fields, "linkedid") or unique,
        agent=login(_text(fields, "channel")),
    )
    book.add(RowKind.RECORDINGS, _recording_id(unique), fact, number)


def _spy(book: HearingBook, kind: str, fields: Mapping[str, Any], at: int, login: Login, number: int) -> None:
    spyer, spied = _text(fields, "spyeruniqueid"), _text(fields, "spyeeuniqueid")
    if not spyer:
        return
    begins = kind == "chanspystart"
    fact = HearingFact(
        at=at,
        what="begin" if begins else "end",
        kind="live" if begins else "",
        contact=_text(fields, "spyeelinkedid") or (spied if begins else ""),
        agent=login(_text(fields, "spyeechannel")),
        listener=login(_text(fields, "spyerchannel")),
    )
    book.add(RowKind.LISTENINGS, f"{spyer}-{spied}", fact, number)


def _told(fields: Mapping[str, Any], at: int) -> HearingFact:
    answer = _text(fields, "answer")
    return HearingFact(
        at=at,
        what="told",
        location=_text(fields, "file")[:256],
        answer=answer if _ANSWER.fullmatch(answer) else "",
    )


def take_cel(
    book: HearingBook, kind: str, fields: Mapping[str, Any], found: tuple[int, bool], login: Login, number: int
) -> None:
    """Take one event of the channel event log: an application that records or listens, or an event of its own."""
    at, naive = found
    unique, linked = _text(fields, "uniqueid"), _text(fields, "linkedid")
    if naive or not unique:
        return  # a local time without its offset is no proof of anything outside a period
    application = _text(fields, "appname").upper()
    data = _text(fields, "appdata")
    if kind in ("MIXMONITOR_START", "MIXMONITOR_STOP"):
        what = "begin" if kind.endswith("START") else "end"
        fact = HearingFact(at=at, what=what, contact=linked or unique, agent=login(_text(fields, "channame")))
        book.add(RowKind.RECORDINGS, _recording_id(unique), fact, number)
    elif application in _RECORDERS and kind in ("APP_START", "APP_END", "HANGUP", "CHAN_END"):
        # MixMonitor returns at once and goes on beside the call: its end is the channel's.
        if kind == "APP_END" and application != "RECORD":
            return
        fact = HearingFact(
            at=at,
            what="begin" if kind == "APP_START" else "end",
            contact=linked or unique,
            agent=login(_text(fields, "channame")),
            location=data.partition(",")[0][:256] if kind == "APP_START" else "",
        )
        book.add(RowKind.RECORDINGS, _recording_id(unique), fact, number)
    elif application in _SPIES and kind in ("APP_START", "APP_END"):
        fact = HearingFact(
            at=at,
            what="begin" if kind == "APP_START" else "end",
            kind=_spy_kind(data) if kind == "APP_START" else "",
            agent=login(data.partition(",")[0]),
            listener=login(_text(fields, "channame")),
        )
        book.add(RowKind.LISTENINGS, f"{unique}-cel", fact, number)


def _spy_kind(data: str) -> str:
    """Read the options of ChanSpy: `w` whispers, `B` barges in, `d` lets the listener change."""
    options = data.partition(",")[2]
    if "B" in options:
        return "barge"
    return "whisper" if "w" in options or "W" in options else "live"


def _recording_id(unique: str) -> str:
    return f"mixmonitor-{unique}"


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value).strip()
