"""One decoded batch becomes events to append: mapping, refusals, the digest of each row. Pure.

Called by `intake.accept`. Must never see a clock, a disk or a spool, and never let a refused row stop a good one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from quivive.capture.intake import AccessContext, map_access, merge_counts
from quivive.capture.place import NO_PROGRAMS, NO_ZONES, Programs, Zones
from quivive.contacts.directory import DirectoryContext, SealedIdentity, map_agent
from quivive.contacts.hearing import MappedHearing, map_listening, map_recording
from quivive.contacts.mapper import ContactContext, map_contact, map_heartbeat
from quivive.contacts.roster import RosterContext, map_shift
from quivive.model.access import AccessCountBody, Grade, LinkBody
from quivive.model.entry import EntryKind
from quivive.model.gate import CapturePolicy
from quivive.model.ids import OPERATOR
from quivive.privacy.subject import SubjectKeyer
from quivive.rows import DecodedRow, FieldError, Row, RowError

DIGEST_BYTES: Final = 16
"""Bytes of a row's digest: a collision would take 2^64 rows."""

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


class IntakeKind(StrEnum):
    """What a batch carries; one value per route of docs/access-api.md."""

    ACCESSES = "accesses"
    CONTACTS = "contacts"
    DIRECTORY = "directory"
    ROSTER = "roster"
    HEARTBEATS = "heartbeats"
    RECORDINGS = "recordings"
    LISTENINGS = "listenings"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What is settled before a batch: the source and the controllers its rows may name.

    `default` is the controller of a row that names none, "" when the source serves several.
    """

    name: str
    namespace: str
    grade: Grade
    controllers: Mapping[str, SubjectKeyer] = field(repr=False)
    default: str
    directory: DirectoryContext = field(repr=False)
    operator_key_id: str
    zones: Zones = NO_ZONES
    programs: Programs = NO_PROGRAMS
    second: bool = False
    """Another source tells the same accesses (`reconcile_with`): these are only compared with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry to append, without its number. `body` is encoded: sorted keys, integers only (ADR 0001)."""

    kind: EntryKind
    captured_at: int
    controller: str
    key_id: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEvent:
    """A link and where it goes; emitted once a day for each pair, so that it outlives the purge of older days."""

    at: int
    controller: str
    key_id: str
    link: LinkBody


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRow:
    """One good row. `digest` is b"" when the row has no identity of its own (heartbeat)."""

    row: int
    digest: bytes
    events: tuple[Event, ...] = ()
    links: tuple[LinkEvent, ...] = ()
    count: tuple[str, str, AccessCountBody] | None = None  # controller, key id, count
    identity: SealedIdentity | None = None


def encode_body(body: object) -> bytes:
    """Encode a body once, at the source: UTF-8 JSON with sorted keys."""
    return _ENCODER.encode(body)


def map_batch(
    kind: IntakeKind, facts: SourceFacts, policy: CapturePolicy, rows: Iterable[DecodedRow], now: int
) -> tuple[list[MappedRow], list[RowError]]:
    """Map each row; the good ones and the refused ones, both in order."""
    mapper = _MAPPERS[kind]
    good, refused = list[MappedRow](), list[RowError]()
    for decoded in rows:
        try:
            if isinstance(decoded.value, FieldError):
                raise decoded.value
            good.append(mapper(decoded.number, Row(decoded.value), facts, policy, now))
        except FieldError as error:
            refused.append(RowError(row=decoded.number, field=error.field, expected=error.expected, found=error.found))
    return good, refused


def _digest(kind: IntakeKind, source: str, key: str, version: int) -> bytes:
    """Identify (source, native id, version); `key` is already a keyed pseudonym, so this reveals nothing."""
    return sha256(f"{kind}\n{source}\n{key}\n{version}".encode()).digest()[:DIGEST_BYTES]


def _controller(row: Row, facts: SourceFacts) -> tuple[str, SubjectKeyer]:
    name = row.text("controller", default=facts.default or None, expected="the id of a controller")
    keyer = facts.controllers.get(name)
    if keyer is None:
        raise row.wrong("controller", "the id of a controller this source may write for")
    return name, keyer


def _access(number: int, row: Row, facts: SourceFacts, policy: CapturePolicy, now: int) -> MappedRow:
    controller, keyer = _controller(row, facts)
    context = AccessContext(
        source=facts.name,
        namespace=facts.namespace,
        grade=facts.grade,
        keyer=keyer,
        zones=facts.zones,
        programs=facts.programs,
    )
    mapped = map_access(row, context, policy, now)
    key_id = keyer.keys.key_id

    def event(body: object) -> Event:
        return Event(
            kind=EntryKind.ACCESS_SECOND if facts.second else EntryKind.ACCESS,
            captured_at=mapped.at,
            controller=controller,
            key_id=key_id,
            body=encode_body(body),
        )

    return MappedRow(
        row=number,
        digest=_digest(IntakeKind.ACCESSES, facts.name, mapped.native, 0),
        events=tuple(event(part) for part in mapped.parts),
        links=_links(mapped.at, controller, key_id, mapped.links),
        count=None if mapped.parts or facts.second else (controller, key_id, mapped.count),
    )


def _contact(number: int, row: Row, facts: SourceFacts, policy: CapturePolicy, now: int) -> MappedRow:
    controller, keyer = _controller(row, facts)
    mapped = map_contact(row, ContactContext(namespace=facts.namespace, keyer=keyer), policy, now)
    key_id = keyer.keys.key_id
    event = Event(
        kind=EntryKind.CONTACT,
        captured_at=mapped.at,
        controller=controller,
        key_id=key_id,
        body=encode_body(mapped.body),
    )
    return MappedRow(
        row=number,
        digest=_digest(IntakeKind.CONTACTS, facts.name, mapped.body.contact, mapped.body.version),
        events=(event,),
        links=_links(mapped.at, controller, key_id, mapped.links),
    )


def _recording(number: int, row: Row, facts: SourceFacts, policy: CapturePolicy, now: int) -> MappedRow:
    controller, keyer = _controller(row, facts)
    mapped = map_recording(row, ContactContext(namespace=facts.namespace, keyer=keyer), policy, now, controller)
    return _hearing(number, IntakeKind.RECORDINGS, EntryKind.RECORDING, facts, mapped, keyer.keys.key_id)


def _listening(number: int, row: Row, facts: SourceFacts, policy: CapturePolicy, now: int) -> MappedRow:
    controller, keyer = _controller(row, facts)
    mapped = map_listening(row, ContactContext(namespace=facts.namespace, keyer=keyer), policy, now, controller)
    return _hearing(number, IntakeKind.LISTENINGS, EntryKind.LISTENING, facts, mapped, keyer.keys.key_id)


def _hearing(
    number: int, kind: IntakeKind, entry: EntryKind, facts: SourceFacts, mapped: MappedHearing, key_id: str
) -> MappedRow:
    event = Event(
        kind=entry,
        captured_at=mapped.at,
        controller=mapped.body.controller,
        key_id=key_id,
        body=encode_body(mapped.body),
    )
    return MappedRow(row=number, digest=_digest(kind, facts.name, mapped.native, mapped.body.version), events=(event,))


def _links(at: int, controller: str, key_id: str, links: tuple[LinkBody, ...]) -> tuple[LinkEvent, ...]:
    return tuple(LinkEvent(at=at, controller=controller, key_id=key_id, link=link) for link in links)


def _agent(number: int, row: Row, facts: SourceFacts, policy: CapturePolicy, now: int) -> MappedRow:
    del policy  # the directory is what the policy is made of
    mapped = map_agent(row, facts.directory)
    return MappedRow(
        row=number,
        digest=_digest(IntakeKind.DIRECTORY, facts.name, mapped.body.person, mapped.body.version),
        events=(_own(EntryKind.DIRECTORY_AGENT, facts, now, mapped.body),),
        identity=mapped.identity,
    )


def _shift(number: int, row: Row, facts: SourceFacts, policy: CapturePolicy, now: int) -> MappedRow:
    del policy  # a shift names a person of the operator, never a customer
    context = RosterContext(source=facts.name, operator_agent_key=facts.directory.operator_agent_key)
    body = map_shift(row, context)
    return MappedRow(
        row=number,
        digest=_digest(IntakeKind.ROSTER, facts.name, body.shift, body.version),
        events=(_own(EntryKind.ROSTER_SHIFT, facts, now, body),),
    )


def _own(kind: EntryKind, facts: SourceFacts, now: int, body: object) -> Event:
    """Build an event of the operator's own log; its day is the day it was told, for a shift may lie ahead."""
    return Event(kind=kind, captured_at=now, controller=OPERATOR, key_id=facts.operator_key_id, body=encode_body(body))


def _heartbeat(number: int, row: Row, facts: SourceFacts, policy: CapturePolicy, now: int) -> MappedRow:
    del policy
    body = encode_body(map_heartbeat(row, now))
    targets = {name: keyer.keys.key_id for name, keyer in facts.controllers.items()}
    return MappedRow(
        row=number,
        digest=b"",
        events=tuple(
            Event(kind=EntryKind.HEARTBEAT, captured_at=now, controller=name, key_id=key_id, body=body)
            for name, key_id in targets.items()
        ),
    )


_Mapper = Callable[[int, Row, SourceFacts, CapturePolicy, int], MappedRow]
_MAPPERS: Final[dict[IntakeKind, _Mapper]] = {
    IntakeKind.ACCESSES: _access,
    IntakeKind.CONTACTS: _contact,
    IntakeKind.DIRECTORY: _agent,
    IntakeKind.ROSTER: _shift,
    IntakeKind.HEARTBEATS: _heartbeat,
    IntakeKind.RECORDINGS: _recording,
    IntakeKind.LISTENINGS: _listening,
}


def count_events(rows: Iterable[MappedRow]) -> list[Event]:
    """Build the `access.count` events of a batch: all that remains of rows in dry, or of unprotected tables."""
    counts: dict[tuple[str, str], list[AccessCountBody]] = {}
    for row in rows:
        if row.count is not None:
            counts.setdefault(row.count[:2], []).append(row.count[2])
    return [
        Event(
            kind=EntryKind.ACCESS_COUNT,
            captured_at=body.minute_at,
            controller=controller,
            key_id=key_id,
            body=encode_body(body),
        )
        for (controller, key_id), bodies in counts.items()
        for body in merge_counts(bodies)
    ]


def link_events(links: Iterable[LinkEvent]) -> list[Event]:
    """Build the `link` events of a batch."""
    return [
        Event(
            kind=EntryKind.LINK,
            captured_at=each.at,
            controller=each.controller,
            key_id=each.key_id,
            body=encode_body(each.link),
        )
        for each in links
    ]
