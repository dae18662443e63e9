"""Asterisk's channel event log (CEL), as CSV of cel_custom, rows of SQL or NDJSON, becomes contacts.

Opened by the connector registry. The richest of Asterisk's written sources: transfers, consultations, pick-ups and
forwards appear as the channels they move. It must be switched on, and applications be listed (docs/telephony.md).
Must never keep the name, the dialplan data or the file of a recording that an event carries.
"""

import csv
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from quivive.connectors.asterisk.assemble import ChannelFact, Step
from quivive.connectors.asterisk.hearing import take_cel
from quivive.connectors.asterisk.linked import LinkedCalls
from quivive.connectors.asterisk.when import moment
from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.hearing_book import HearingBook
from quivive.connectors.model import CanonicalRow, Record, Refusal

_STEPS: Final = {
    "CHAN_START": Step.START,
    "ANSWER": Step.ANSWER,
    "BRIDGE_ENTER": Step.ENTER,
    "BRIDGE_EXIT": Step.EXIT,
    "BRIDGE_START": Step.CONNECT,  # before Asterisk 12: one event for both telephones
    "BRIDGE_END": Step.EXIT,
    "HANGUP": Step.END,
    "CHAN_END": Step.END,
    "LINKEDID_END": Step.CALL_END,
    "ATTENDEDTRANSFER": Step.HANDOVER,
    "XIVO_INCALL": Step.TOLD_INBOUND,  # Wazo and XiVO say it themselves
    "XIVO_OUTCALL": Step.TOLD_OUTBOUND,
}
_NOTED: Final = {"MIXMONITOR_START": "recordings", "PICKUP": "pickups", "FORWARD": "forwards", "BLINDTRANSFER": "blind"}
_SPIES: Final = frozenset({"CHANSPY", "EXTENSPY"})
_CUSTOM: Final = [
    *("eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context"),
    *("channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userfield"),
]
_WHOLE: Final = [*_CUSTOM, "userdeftype", "extra"]
"""As the shipped example writes them; older ones end at `userfield`."""
_MOVED: Final = ("channel2_uniqueid", "transferee_channel_uniqueid", "transfer_target_channel_uniqueid")
_NAMES: Final = {
    "channel": "channame",
    "channelname": "channame",
    "application": "appname",
    "calleridnum": "cid_num",
    "cidnum": "cid_num",
    "eventname": "eventtype",
}


class CelTranslator(LinkedCalls):
    """Reads events, groups them by linked id, follows channels; recordings and listening come behind the calls."""

    def __init__(self, settings: TelephonySettings) -> None:
        super().__init__(settings)
        self._hearing = HearingBook(settings)

    def feed(self, records: Iterable[Record], now: int) -> Iterable[CanonicalRow | Refusal]:
        """Take events; give the rows of the calls, recordings and listening they touched."""
        return [*super().feed(records, now), *self._hearing.rows()]

    def read(self, record: Record) -> Refusal | None:
        """Take one event."""
        if "line" in record.fields:
            line = str(record.fields["line"])
            if not line.strip():
                return None
            cells = next(csv.reader([line]), [])
            if len(cells) < len(_CUSTOM):
                expected = f"at least {len(_CUSTOM)} columns as cel_custom writes them"
                return Refusal(number=record.number, field="line", expected=expected, found=f"{len(cells)} columns")
            fields: Mapping[str, Any] = dict(zip(_WHOLE, cells, strict=False))
        else:
            fields = {_NAMES.get(name.lower(), name.lower()): value for name, value in record.fields.items()}
        return self.event(fields, record.number)

    def event(self, fields: Mapping[str, Any], number: int) -> Refusal | None:
        """Take one event by the names of the SQL columns; also called for CEL events that come through AMI."""
        found = moment(fields.get("eventtime"))
        if found is None:
            return Refusal(number=number, field="eventtime", expected="an epoch or a date and time", found="other")
        kind, unique = _text(fields, "eventtype").upper(), _text(fields, "uniqueid")
        take_cel(self._hearing, kind, fields, found, self.login, number)
        linked = _text(fields, "linkedid") or unique
        if not linked:
            return Refusal(number=number, field="linkedid", expected="a linked id", found="nothing")
        if kind in _NOTED:
            self.notes[_NOTED[kind]] += 1
        step = _step(kind, _text(fields, "appname").upper())
        self.take(
            ChannelFact(
                at=found[0],
                naive=found[1],
                step=step,
                linked=linked,
                unique=unique,
                channel=_text(fields, "channame"),
                number=_text(fields, "cid_num"),
                exten=_text(fields, "exten") if step is Step.START else "",
                queue=_queue(fields) if kind == "APP_START" else "",
            ),
            number,
        )
        if step is Step.HANDOVER:
            self._join(fields, found, linked, number)
        return None

    def _join(self, fields: Mapping[str, Any], found: tuple[int, bool], linked: str, number: int) -> None:
        """An attended transfer names the other channels it moves: they belong to the customer's call from then on."""
        for unique in _moved(fields.get("extra")):
            fact = ChannelFact(at=found[0], naive=found[1], step=Step.OTHER, linked=linked, unique=unique)
            self.take(fact, number)


def _step(kind: str, application: str) -> Step:
    if application in _SPIES and kind in ("APP_START", "APP_END"):
        return Step.SPY if kind == "APP_START" else Step.SPY_END
    return _STEPS.get(kind, Step.OTHER)


def _moved(extra: Any) -> list[str]:
    """Read unique ids from the `extra` of an attended transfer; damaged JSON names none."""
    if isinstance(extra, str) and extra.startswith("{"):
        try:
            extra = msgspec.json.decode(extra)
        except (msgspec.DecodeError, RecursionError):
            return []
    if not isinstance(extra, Mapping):
        return []
    return [str(extra[name]) for name in _MOVED if isinstance(extra.get(name), str) and extra[name]]


def _queue(fields: Mapping[str, Any]) -> str:
    """Read the queue's name from the application that put the call into it."""
    if _text(fields, "appname").upper() != "QUEUE":
        return ""
    return _text(fields, "appdata").split(",")[0]


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value).strip()
