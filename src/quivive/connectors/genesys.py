"""Genesys Cloud: conversation details, as the analytics API exports them, become contacts.

Opened by the connector registry; fed with one conversation per record (the items of `conversations`). Stateless: an
export holds the whole conversation, a later one supersedes it. Must never keep a name, a note or an address of mail.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from quivive.connectors.asterisk.when import moment
from quivive.connectors.contact_book import VERSION_STEP, Draft, Part, TelephonySettings, merged_parts, row_value
from quivive.connectors.model import CanonicalRow, Record, Refusal, RowKind
from quivive.model.clock import Micros, to_rfc3339

_AGENTS: Final = frozenset({"agent", "user"})
_CUSTOMERS: Final = frozenset({"customer", "external"})
_LISTENING: Final = ("monitoredparticipantid", "coachedparticipantid", "bargedparticipantid", "screenmonitoreduserid")
_HEARS: Final = (
    ("bargedparticipantid", "barge"),
    ("coachedparticipantid", "whisper"),
    ("monitoredparticipantid", "live"),
)
_OFFERED: Final = frozenset({"alert", "dialing", "contacting", "delay"})
_SPOKEN: Final = frozenset({"interact", "hold", "transmitting", "voicemail"})
_CALLS: Final = frozenset({"voice", "callback", "video", ""})


class GenesysTranslator:
    """Reads conversations: participants, their sessions, the segments of each."""

    def __init__(self, settings: TelephonySettings) -> None:
        self._settings = settings
        self.notes: dict[str, int] = {}
        self.read_at = 0

    def feed(self, records: Iterable[Record], now: int) -> Iterable[CanonicalRow | Refusal]:
        """Give one row per conversation; what time it is changes nothing."""
        self.read_at = now
        found: list[CanonicalRow | Refusal] = []
        heard: list[CanonicalRow] = []
        for record in records:
            row = self._row(record)
            found.append(row)
            if isinstance(row, CanonicalRow):
                heard += _listened(_lower(record.fields), row.value, record.number)
        return [*found, *heard]

    def close(self, now: int) -> Iterable[CanonicalRow | Refusal]:
        """Nothing is held."""
        self.read_at = now
        return []

    def complete_to(self) -> int:
        """Nothing can be told: a conversation is exported when it ends, or when somebody asks."""
        return 0

    def _row(self, record: Record) -> CanonicalRow | Refusal:
        fields = _lower(record.fields)
        contact = _text(fields, "conversationid")
        if not contact:
            return Refusal(number=record.number, field="conversationId", expected="an identifier", found="nothing")
        begun_at = _at(fields, "conversationstart")
        if not begun_at:
            expected = "an instant with an offset"
            return Refusal(number=record.number, field="conversationStart", expected=expected, found="nothing")
        sessions = list(_sessions(fields))
        draft = self._draft(fields, sessions, begun_at)
        segments = sum(len(session["segments"]) for session in sessions)
        version = draft.latest() // 1_000 * VERSION_STEP + min(segments, VERSION_STEP - 1)
        value = row_value(contact, version, draft, self._settings)
        return CanonicalRow(kind=RowKind.CONTACTS, number=record.number, value=value)

    def _draft(self, fields: Mapping[str, Any], sessions: list[dict[str, Any]], begun_at: int) -> Draft:
        agents = [session for session in sessions if session["purpose"] in _AGENTS]
        outside = [session for session in sessions if session["purpose"] in _CUSTOMERS]
        media = {_text(session, "mediatype").lower() for session in agents or sessions}
        draft = Draft(kind="call" if media & _CALLS or not media else "conversation")
        draft.direction = _direction(fields, agents, outside)
        draft.parts = merged_parts(part for session in agents for part in _parts(session))
        draft.queue = next((queue for s in [*agents, *sessions] if (queue := _queue(s))), "")
        draft.campaign = next((text for s in sessions if (text := _text(s, "outboundcampaignid"))), "")
        draft.phone = next((phone for s in [*outside, *agents] if (phone := _phone(s, draft.direction))), "")
        draft.records = self._records(fields, sessions)
        self._place(draft, fields, agents, begun_at)
        return draft

    def _records(self, fields: Mapping[str, Any], sessions: list[dict[str, Any]]) -> list[str]:
        """The dialler's contact, or the declared attribute of a participant, is the record."""
        if self._settings.attribute:
            for participant in _items(fields, "participants"):
                attributes = participant.get("attributes")
                if isinstance(attributes, Mapping) and (key := attributes.get(self._settings.attribute)):
                    return self._settings.record(key)
            return []
        return self._settings.record(next((t for s in sessions if (t := _text(s, "outboundcontactid"))), ""))

    def _place(self, draft: Draft, fields: Mapping[str, Any], agents: list[dict[str, Any]], begun_at: int) -> None:
        ended_at = _at(fields, "conversationend")
        draft.over = bool(ended_at)
        offers = [part.from_at for part in draft.parts if part.role == "agent" and part.from_at]
        if draft.kind == "conversation":
            draft.instants = {"opened_at": begun_at, "assigned_at": min(offers, default=0), "closed_at": ended_at}
            return
        spoken = [span for session in agents if not _listens(session) for span in _spans(session, _SPOKEN)]
        wrapped = [span[1] for session in agents for span in _spans(session, frozenset({"wrapup"}))]
        hung_up_at = max((to_at for _, to_at in spoken), default=0) if ended_at else 0
        draft.instants = {
            "offered_at": min(offers, default=begun_at),
            "started_at": min((from_at for from_at, _ in spoken), default=0),
            "ended_at": hung_up_at or ended_at,
            "wrapped_at": max(wrapped, default=0) if ended_at else 0,
        }


def _listened(fields: Mapping[str, Any], call: Mapping[str, Any], number: int) -> Iterable[CanonicalRow]:
    """Sessions that monitored, coached or barged into a participant: who heard whom, from when to when."""
    people = {
        _text(participant, "participantid"): _text(participant, "userid")
        for participant in _items(fields, "participants")
    }
    for session in _sessions(fields):
        name, kind = next(((name, kind) for name, kind in _HEARS if _text(session, name)), ("", ""))
        spans = _spans(session, _SPOKEN)
        if not name or not spans or not session["user"]:
            continue
        ended = 0 if any(not to_at for _, to_at in spans) else max(to_at for _, to_at in spans)
        began = min(from_at for from_at, _ in spans)
        value: dict[str, Any] = {
            "id": _text(session, "sessionid") or f"{call['id']}/{session['user']}/{began}",
            "version": call["version"],
            "kind": kind,
            "contact": call["id"],
            "listener": session["user"],
            "started_at": to_rfc3339(Micros(began)),
        }
        heard = people.get(_text(session, name), "")
        told = {"agent": heard, "controller": str(call.get("controller", ""))}
        value.update((key, text) for key, text in told.items() if text)
        if ended:
            value["ended_at"] = to_rfc3339(Micros(ended))
        yield CanonicalRow(kind=RowKind.LISTENINGS, number=number, value=value)


def _sessions(fields: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Sessions with the purpose and the user of their participant, and their segments in time."""
    for participant in _items(fields, "participants"):
        for session in _items(participant, "sessions"):
            segments = sorted(_items(session, "segments"), key=lambda each: _at(each, "segmentstart"))
            user = _text(participant, "userid")
            yield {**session, "purpose": _text(participant, "purpose").lower(), "user": user, "segments": segments}


def _parts(session: Mapping[str, Any]) -> Iterable[Part]:
    """One part per session of a user: from the alert to the hang-up, or the time he listened."""
    spoken, offered = _spans(session, _SPOKEN), _spans(session, _OFFERED)
    spans = [*spoken, *offered]
    if not session["user"] or not spans:
        return
    from_at = min(from_at for from_at, _ in spans)
    to_at = 0 if any(not to_at for _, to_at in spans) else max(to_at for _, to_at in spans)
    role = "monitor" if _listens(session) else "agent"
    yield Part(agent=session["user"], role=role, from_at=from_at, to_at=to_at, answered=bool(spoken))


def _spans(session: Mapping[str, Any], kinds: frozenset[str]) -> list[tuple[int, int]]:
    found = [each for each in session["segments"] if _text(each, "segmenttype").lower() in kinds]
    return [(_at(each, "segmentstart"), _at(each, "segmentend")) for each in found if _at(each, "segmentstart")]


def _listens(session: Mapping[str, Any]) -> bool:
    return any(_text(session, name) for name in _LISTENING)


def _direction(fields: Mapping[str, Any], agents: list[dict[str, Any]], outside: list[dict[str, Any]]) -> str:
    told = _text(fields, "originatingdirection").lower()
    told = told or next((text for s in [*outside, *agents] if (text := _text(s, "direction").lower())), "")
    if any(_text(session, "outboundcampaignid") for session in [*agents, *outside]) or told == "outbound":
        return "outbound"
    return "inbound" if outside or told == "inbound" else "internal"


def _queue(session: Mapping[str, Any]) -> str:
    return next((queue for each in session["segments"] if (queue := _text(each, "queueid"))), "")


def _phone(session: Mapping[str, Any], direction: str) -> str:
    """Read the customer's number: who calls (`ani`), who is called (`dnis`), or where to call back."""
    names = ["dnis", "ani"] if direction == "outbound" else ["ani", "dnis"]
    if session["purpose"] in _AGENTS:
        del names[1]  # the other one is his own
    numbers = [_text(session, name) for name in names]
    back = session.get("callbacknumbers")
    numbers += [str(number) for number in back] if isinstance(back, list) else []
    spoken = (number.removeprefix("tel:") for number in numbers if number and not number.startswith("sip:"))
    return next((number for number in spoken if any(map(str.isdigit, number))), "")


def _items(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = fields.get(name)
    return [_lower(each) for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _lower(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in fields.items()}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _at(fields: Mapping[str, Any], name: str) -> int:
    found = moment(_text(fields, name) or None)
    return found[0] if found and not found[1] else 0
