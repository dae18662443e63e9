"""Amazon Connect: contact records, contact events and the agent event stream become contacts.

Opened by the connector registry; fed with JSON objects as they fall from Kinesis, Firehose or EventBridge: at least
once, in any order. Of the records of one contact the greatest `LastUpdateTimestamp` counts; transfers are joined by
their initial contact. Must never keep a name, an attribute that was not declared, or the place of a recording.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from quivive.connectors.asterisk.when import moment
from quivive.connectors.contact_book import ContactBook, Draft, Part, TelephonySettings, merged_parts
from quivive.connectors.hearing_book import HearingBook, HearingFact
from quivive.connectors.model import CanonicalRow, Record, Refusal, RowKind

_KINDS: Final = {"VOICE": "call", "CHAT": "conversation", "TASK": "work_item", "EMAIL": "conversation"}
_OUTBOUND: Final = frozenset({"OUTBOUND", "CALLBACK", "EXTERNAL_OUTBOUND"})
_LISTENING: Final = frozenset({"SILENT_MONITOR", "BARGE"})
_RANK_STREAM, _RANK_EVENT, _RANK_RECORD = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """What one message tells of one contact id. Instants 0 when not told; `at` orders messages of one rank."""

    at: int
    rank: int
    contact: str
    agent: str = ""
    arn: str = ""
    method: str = ""
    channel: str = ""
    queue: str = ""
    phone: str = ""
    record: str = ""
    begun_at: int = 0
    offered_at: int = 0
    connected_at: int = 0
    ended_at: int = 0
    wrapped_at: int = 0
    listened: tuple[tuple[int, int], ...] = ()


class AmazonConnectTranslator(ContactBook[_Fact]):
    """Joins what the three streams tell of a contact, and the contacts that transfers chain."""

    def __init__(self, settings: TelephonySettings) -> None:
        super().__init__(settings)
        self._hearing = HearingBook(settings)
        self._names: dict[str, str] = {}
        self._contacts_of: defaultdict[str, set[str]] = defaultdict(set)

    def feed(self, records: Iterable[Record], now: int) -> Iterable[CanonicalRow | Refusal]:
        """Take messages; behind the contacts come who listened and what was recorded."""
        return [*super().feed(records, now), *self._hearing.rows()]

    def _heard(self, body: Mapping[str, Any], fact: _Fact, number: int) -> None:
        """A contact record of method MONITOR is a listening; its `Recordings` are recordings."""
        call = _group(body)
        if fact.method == "MONITOR":
            kinds = {_text(each, "state").upper() for each in _items(_part(body, "agent"), "statetransitions")}
            kind = "barge" if "BARGE" in kinds else "live"
            began = min((begin for begin, _ in fact.listened), default=fact.connected_at or fact.begun_at)
            ended = max((end for _, end in fact.listened), default=fact.ended_at)
            told: dict[str, Any] = {"contact": call, "listener": fact.agent, "kind": kind}
            for what, at in (("begin", began), ("end", ended)):
                if at:
                    self._hearing.add(RowKind.LISTENINGS, fact.contact, HearingFact(at=at, what=what, **told), number)
        for place, each in enumerate(_items(body, "recordings")):
            begun, over = _at(each, "starttimestamp"), _at(each, "stoptimestamp")
            where: dict[str, Any] = {
                "contact": call,
                "agent": fact.agent,
                "queue": fact.queue,
                "location": _text(each, "location")[:256],
            }
            for what, at in (("begin", begun), ("end", over)):
                if at:
                    known = HearingFact(at=at, what=what, **where)
                    self._hearing.add(RowKind.RECORDINGS, f"{fact.contact}/{place}", known, number)

    def complete_to(self) -> int:
        """Nothing can be told: records come minutes after the end, in any order."""
        return 0

    def read(self, record: Record) -> Refusal | None:
        """Take one message of any of the three streams."""
        fields = _lower(record.fields)
        if "currentagentsnapshot" in fields or "previousagentsnapshot" in fields:
            return self._stream(fields, record.number)
        detail = fields.get("detail")
        body = _lower(detail) if isinstance(detail, Mapping) else fields
        if not _text(body, "contactid"):
            return Refusal(number=record.number, field="ContactId", expected="an identifier", found="nothing")
        fact = _event(body, fields) if "eventtype" in body else self._record(body)
        if not fact.at:
            expected = "an instant with an offset"
            return Refusal(number=record.number, field="LastUpdateTimestamp", expected=expected, found="nothing")
        self._join(_group(body), fact, record.number)
        if "eventtype" not in body:
            self._heard(body, fact, record.number)
        return None

    def build(self, contact: str, facts: Iterable[_Fact]) -> Draft | None:
        """Unite what is known of each contact id of a chain of transfers."""
        held = sorted(facts, key=lambda fact: (fact.rank, fact.at, fact.contact))
        told: dict[str, dict[str, Any]] = {}
        for fact in held:
            known = told.setdefault(fact.contact, {"listened": ()})
            known.update((name, value) for name in _Fact.__slots__ if (value := getattr(fact, name)))
        chain = sorted(told.values(), key=lambda known: (known.get("begun_at", known["at"]), known["contact"]))
        first = told.get(contact, chain[0])
        draft = Draft(kind=_KINDS.get(first.get("channel", "VOICE").upper(), "call"), whole=contact in told)
        draft.direction = "outbound" if first.get("method") in _OUTBOUND else "inbound"
        draft.queue = next((known["queue"] for known in chain if known.get("queue")), "")
        draft.phone = next((known["phone"] for known in chain if known.get("phone")), "")
        draft.records = self._settings.record(next((known["record"] for known in chain if known.get("record")), ""))
        draft.parts = merged_parts(part for known in chain for part in self._parts(known))
        self._place(draft, chain)
        return draft

    def _place(self, draft: Draft, chain: list[dict[str, Any]]) -> None:
        spoken = [known for known in chain if known.get("method") != "MONITOR"] or chain
        begins = min((at for known in spoken if (at := _begun(known))), default=0)
        ends = [known.get("ended_at", 0) for known in spoken]
        ended_at = max(ends) if all(ends) else 0
        wrapped_at = max(known.get("wrapped_at", 0) for known in spoken)
        draft.over = bool(ended_at)
        offers = [part.from_at for part in draft.parts if part.role == "agent" and part.from_at]
        if draft.kind != "call":
            draft.direction = draft.direction if draft.kind == "conversation" else "internal"
            draft.instants = {
                "opened_at": begins,
                "assigned_at": min(offers, default=0),
                "closed_at": max(ended_at, wrapped_at) if ended_at else 0,
            }
            return
        connected = [known["connected_at"] for known in spoken if known.get("connected_at")]
        draft.instants = {
            "offered_at": min(offers, default=begins),
            "started_at": min(connected, default=0),
            "ended_at": ended_at,
            "wrapped_at": wrapped_at,
        }

    def _parts(self, known: Mapping[str, Any]) -> Iterable[Part]:
        agent = known.get("agent") or self._names.get(known.get("arn", ""), "") or known.get("arn", "")
        if not agent:
            return
        connected_at, ended_at = known.get("connected_at", 0), known.get("ended_at", 0)
        if known.get("method") == "MONITOR":
            spans = known["listened"] or ((connected_at or _begun(known), ended_at),)
            for from_at, to_at in spans:
                yield Part(agent=agent, role="monitor", from_at=from_at, to_at=to_at)
            return
        from_at = known.get("offered_at", 0) or connected_at
        if from_at:
            # Until after-call work ended: when he passed the customer on, his part outlasts his line.
            yield Part(agent=agent, from_at=from_at, to_at=max(ended_at, known.get("wrapped_at", 0)) if ended_at else 0)

    def _record(self, body: Mapping[str, Any]) -> _Fact:
        agent, queue = _part(body, "agent"), _part(body, "queue")
        attributes = body.get("attributes")
        key = attributes.get(self._settings.attribute) if isinstance(attributes, Mapping) else None
        spans = _items(agent, "statetransitions")
        listened = tuple(
            (_at(each, "statestarttimestamp"), _at(each, "stateendtimestamp"))
            for each in spans
            if _text(each, "state").upper() in _LISTENING
        )
        arn = _text(agent, "arn").rpartition("/")[2]
        self._learn(arn, _text(agent, "username"))
        return _Fact(
            at=_at(body, "lastupdatetimestamp") or _at(body, "disconnecttimestamp"),
            rank=_RANK_RECORD,
            contact=_text(body, "contactid"),
            agent=_text(agent, "username"),
            arn=arn,
            method=_text(body, "initiationmethod").upper(),
            channel=_text(body, "channel"),
            queue=_text(queue, "name"),
            phone=_phone(_part(body, "customerendpoint")),
            record=str(key) if isinstance(key, str | int) else "",
            begun_at=_at(body, "initiationtimestamp"),
            connected_at=_at(agent, "connectedtoagenttimestamp"),
            ended_at=_at(body, "disconnecttimestamp"),
            wrapped_at=_at(agent, "aftercontactworkendtimestamp"),
            listened=listened,
        )

    def _stream(self, fields: Mapping[str, Any], number: int) -> Refusal | None:
        """An agent's snapshot names the contacts he has; one that left it is wrapped up."""
        at = _at(fields, "eventtimestamp")
        if not at:
            expected = "an instant with an offset"
            return Refusal(number=number, field="EventTimestamp", expected=expected, found="nothing")
        now, before = _part(fields, "currentagentsnapshot"), _part(fields, "previousagentsnapshot")
        arn = _text(fields, "agentarn").rpartition("/")[2]
        agent = _text(_part(now, "configuration"), "username") or _text(_part(before, "configuration"), "username")
        self._learn(arn, agent)
        present = {_text(each, "contactid") for each in _contacts(now)}
        for each in _contacts(now):
            self._join(_group(each), _snapshot(each, at, agent, arn), number)
        for each in _contacts(before):
            if _text(each, "contactid") not in present:
                gone = _Fact(at=at, rank=0, contact=_text(each, "contactid"), agent=agent, arn=arn, wrapped_at=at)
                self._join(_group(each), gone, number)
        return None

    def _join(self, group: str, fact: _Fact, number: int) -> None:
        self.add(group, fact, fact.at, number)
        if fact.arn:
            self._contacts_of[fact.arn].add(group)
            if fact.arn in self._names:
                self._name(group, fact.arn, number)

    def _learn(self, arn: str, name: str) -> None:
        """Contact events name agents by ARN only; records and the agent stream tell the login behind it."""
        if arn and name and self._names.get(arn) != name:
            self._names[arn] = name
            for group in self._contacts_of.get(arn, ()):
                self._name(group, arn, 0)

    def _name(self, group: str, arn: str, number: int) -> None:
        """Knowing a name is a fact too: it makes a later version."""
        for fact in [fact for fact in self.facts(group) if fact.arn == arn and not fact.agent]:
            self.add(
                group, _Fact(at=fact.at, rank=_RANK_STREAM, contact=fact.contact, agent=self._names[arn]), 0, number
            )

    def dropped(self, contact: str) -> None:
        """Forget whose it was."""
        for groups in self._contacts_of.values():
            groups.discard(contact)


def _event(body: Mapping[str, Any], envelope: Mapping[str, Any]) -> _Fact:
    agent, queue = _part(body, "agentinfo"), _part(body, "queueinfo")
    ended_at, connected_at = _at(body, "disconnecttimestamp"), _at(agent, "connectedtoagenttimestamp")
    begun_at, queued_at = _at(body, "initiationtimestamp"), _at(queue, "enqueuetimestamp")
    return _Fact(
        at=_at(envelope, "time") or max(begun_at, queued_at, connected_at, ended_at),
        rank=_RANK_EVENT,
        contact=_text(body, "contactid"),
        arn=_text(agent, "agentarn").rpartition("/")[2],
        method=_text(body, "initiationmethod").upper(),
        channel=_text(body, "channel"),
        begun_at=begun_at,
        connected_at=connected_at,
        ended_at=ended_at,
    )


def _snapshot(each: Mapping[str, Any], at: int, agent: str, arn: str) -> _Fact:
    state, since = _text(each, "state").upper(), _at(each, "statestarttimestamp")
    return _Fact(
        at=at,
        rank=_RANK_STREAM,
        contact=_text(each, "contactid"),
        agent=agent,
        arn=arn,
        method=_text(each, "initiationmethod").upper(),
        channel=_text(each, "channel"),
        queue=_text(_part(each, "queue"), "name"),
        begun_at=_at(each, "queuetimestamp") or since,
        offered_at=since if state in ("CONNECTING", "INCOMING", "PENDING") else 0,
        connected_at=_at(each, "connectedtoagenttimestamp"),
        ended_at=since if state in ("ENDED", "MISSED", "REJECTED", "ERROR") else 0,
    )


def _group(body: Mapping[str, Any]) -> str:
    """The contact that a chain of transfers, or listening, began with."""
    names = ("initialcontactid", "previouscontactid", "relatedcontactid", "contactid")
    return next(text for name in names if (text := _text(body, name)) or name == "contactid")


def _begun(known: Mapping[str, Any]) -> int:
    return int(known.get("begun_at", 0) or known.get("offered_at", 0) or known.get("connected_at", 0))


def _contacts(snapshot: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for each in _items(snapshot, "contacts") if _text(each, "contactid")]


def _phone(endpoint: Mapping[str, Any]) -> str:
    return _text(endpoint, "address") if _text(endpoint, "type") in ("TELEPHONE_NUMBER", "") else ""


def _part(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = fields.get(name)
    return _lower(found) if isinstance(found, Mapping) else {}


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
