"""From the rows of a labelled feed to a projection: the product's own mappers, throw-away keys, no spool, no ledger.

Called by `run.py`. What is measured is what runs: rows go through `quivive.intake.batch`, bodies through
`projection.apply`. Must never let the truth (labels, campaigns) near either.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, NamedTuple

from quivive.contacts.directory import DirectoryContext, map_agent
from quivive.intake.batch import Event, IntakeKind, SourceFacts, count_events, encode_body, link_events, map_batch
from quivive.ledger.entry import encode_entry
from quivive.model.access import LinkBody
from quivive.model.alert import CanaryBody
from quivive.model.catalogue import Alternate, Catalogue, Table
from quivive.model.catalogue import Path as TablePath
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.model.errors import QuiviveError
from quivive.model.gate import CapturePolicy, GateBody, GateState, Module
from quivive.model.ids import OPERATOR
from quivive.privacy.pseudonym import (
    ControllerKeys,
    access_key,
    contact_key,
    derive_controller_agent_key,
    person_key,
)
from quivive.privacy.subject import RECORD_KIND, SubjectKeyer
from quivive.projection.columns import access_id
from quivive.projection.projection import Projection
from quivive.rows import DecodedRow, Row, RowError
from quivive.simulation.benchmark.feed import FeedController, FeedMeta, FeedRow, FeedSource, instant

BATCH_ENTRIES: Final = 20_000
_KEY_ID: Final = "k1"
_KINDS: Final = {
    "directory": IntakeKind.DIRECTORY,
    "roster": IntakeKind.ROSTER,
    "contacts": IntakeKind.CONTACTS,
    "accesses": IntakeKind.ACCESSES,
    "heartbeats": IntakeKind.HEARTBEATS,
}


class RefusedRowsError(QuiviveError):
    """Rows of the feed that the product refuses: a feed with such rows measures nothing."""

    def __init__(self, file: str, error: RowError, count: int) -> None:
        super().__init__(
            f"{file}.ndjson: {count} rows refused, first row {error.row}: {error.field}: "
            f"expected {error.expected}, found {error.found}"
        )


class Arrival(NamedTuple):
    """An event, the source that sent it, and when the product receives it."""

    received_at: int
    source: str
    event: Event


@dataclass(slots=True)
class Durable:
    """What `Projection.apply` reads of a ledger entry."""

    shard: str
    index: int
    data: bytes
    count: int = 1


class Keys:
    """Throw-away keys: the same for every feed, so that figures can be computed again; worth nothing elsewhere."""

    def __init__(self, meta: FeedMeta) -> None:
        self.operator = sha256(b"labelled feed: operator").digest()
        self.controllers = {c.id: self._of(c.id) for c in meta.controllers}
        self.keyers = {
            c.id: SubjectKeyer(keys=self.controllers[c.id], catalogue=catalogue_of(c), region=c.region)
            for c in meta.controllers
        }

    def _of(self, controller: str) -> ControllerKeys:
        record = sha256(f"labelled feed: {controller}".encode()).digest()
        agent = derive_controller_agent_key(self.operator, controller)
        return ControllerKeys(key_id=_KEY_ID, record=record, agent=agent)

    def person(self, hr_id: str) -> str:
        """Key of a person of the directory, 32 hex digits: the `ident` of verdicts and hits."""
        return person_key(self.operator, hr_id)

    def contact(self, controller: str, native: str) -> str:
        """Key of a contact."""
        return contact_key(self.controllers[controller], native)

    def access(self, controller: str, source: str, native: str, at: int) -> str:
        """Identifier of an access in the projection."""
        return access_id(source, access_key(self.controllers[controller], source, native), at)


def catalogue_of(controller: FeedController) -> Catalogue:
    """Build the catalogue that a feed declares."""
    return Catalogue(
        controller=controller.id,
        version=1,
        tables=tuple(
            Table(
                name=table.name,
                kind=table.kind,
                key=tuple(table.key),
                alternates=tuple(Alternate(column=c, kind=k) for c, k in table.alternates.items()),
                path=TablePath(column=table.path["column"], to=table.path["to"]) if table.path else None,
            )
            for table in controller.tables
        ),
        not_protected=tuple(controller.not_protected),
    )


@dataclass(slots=True)
class Carrier:
    """Maps rows to events. Remembers links and rows already taken, as the intake does; `copy` to add a campaign."""

    meta: FeedMeta
    keys: Keys
    policy: CapturePolicy
    shards: dict[str, int] = field(default_factory=dict)
    links: set[tuple[str, str, str]] = field(default_factory=set)
    taken: set[bytes] = field(default_factory=set)

    @classmethod
    def of(cls, meta: FeedMeta, directory: Sequence[FeedRow]) -> "Carrier":
        """Open for a feed: the policy holds everyone its directory says was informed."""
        keys = Keys(meta)
        context = DirectoryContext(operator_agent_key=keys.operator, controllers=keys.controllers)
        informed = dict[str, int]()
        for row in directory:
            body = map_agent(Row(row.value), context).body
            informed.update((account.agent, body.informed_at) for account in body.accounts)
        policy = CapturePolicy(active=True, informed=informed, keep_unknown=False, service_accounts=())
        return cls(meta, keys, policy)

    def copy(self) -> "Carrier":
        """The same memory, to go on from here without touching this one."""
        return Carrier(self.meta, self.keys, self.policy, dict(self.shards), set(self.links), set(self.taken))

    def opening(self, directory: Sequence[FeedRow]) -> list[Arrival]:
        """What the operator seals before the feed begins: catalogues, canaries and an active gate."""
        at = min([instant(self.meta.from_at), *(row.received_at for row in directory)]) - 1
        made = []
        for controller in self.meta.controllers:
            made.append(_sealed(at, EntryKind.CATALOGUE_VERSION, controller.id, catalogue_of(controller)))
            keyer = self.keys.keyers[controller.id]
            for record in controller.canaries:
                body = CanaryBody(
                    controller=controller.id, key=keyer.record(record).key, contact_keys=(), removed=False
                )
                made.append(_sealed(at, EntryKind.CANARY, controller.id, body))
        places = sorted({(str(r.value.get("employer")), str(r.value.get("establishment"))) for r in directory})
        for employer, establishment in places:
            for module in (Module.ACCESS, Module.RESIDUAL):
                state = GateBody(
                    employer=employer,
                    establishment=establishment,
                    module=module,
                    state=GateState.ACTIVE,
                    reference="labelled feed",
                    demonstration=True,
                )
                made.append(_sealed(at, EntryKind.GATE_STATE, OPERATOR, state))
        return made

    def arrivals(self, rows: Mapping[str, Sequence[FeedRow]]) -> list[Arrival]:
        """Map rows by file to events, in order of reception.

        Raises:
            RefusedRowsError: the product refuses a row.
        """
        facts = {source.name: self._facts(source) for source in self.meta.sources}
        made = self._linked(rows.get("links", ()))
        for file, kind in _KINDS.items():
            refused = list[RowError]()
            for number, row in enumerate(rows.get(file, ()), start=1):
                made += self._one(kind, facts[row.source], number, row, refused)
            if refused:
                raise RefusedRowsError(file, refused[0], len(refused))
        made.sort(key=lambda arrival: arrival.received_at)
        return made

    def feed(self, projection: Projection, arrivals: Sequence[Arrival]) -> None:
        """Project events, in this order."""
        for start in range(0, len(arrivals), BATCH_ENTRIES):
            projection.apply([self._durable(arrival) for arrival in arrivals[start : start + BATCH_ENTRIES]])

    def _one(
        self, kind: IntakeKind, facts: SourceFacts, number: int, row: FeedRow, refused: list[RowError]
    ) -> Iterable[Arrival]:
        decoded = DecodedRow(number=number, value=row.value)
        good, bad = map_batch(kind, facts, self.policy, (decoded,), row.received_at)
        refused += bad
        for mapped in good:
            if mapped.digest in self.taken:
                continue
            if mapped.digest:
                self.taken.add(mapped.digest)
            fresh = [each for each in mapped.links if self._fresh(each.controller, each.link)]
            for event in (*mapped.events, *count_events((mapped,)), *link_events(fresh)):
                yield Arrival(row.received_at, row.source, event)

    def _fresh(self, controller: str, link: LinkBody) -> bool:
        name = (controller, link.left, link.right)
        known = name in self.links
        self.links.add(name)
        return not known

    def _linked(self, rows: Iterable[FeedRow]) -> list[Arrival]:
        """Links that `quivive links sync` would read of the key columns."""
        made = []
        for row in rows:
            controller, kind = str(row.value["controller"]), str(row.value["kind"])
            keyer = self.keys.keyers[controller]
            right = keyer.record(str(row.value["record"]))
            value = str(row.value["value"])
            left = keyer.record(value).key if kind == RECORD_KIND else getattr(keyer.identity(kind, value), "key", "")
            link = LinkBody(left=left, left_kind=kind, right=right.key, right_table=right.table)
            if left and self._fresh(controller, link):
                made.append(_sealed(row.received_at, EntryKind.LINK, controller, link, source=row.source))
        return made

    def _facts(self, source: FeedSource) -> SourceFacts:
        keyers = {name: self.keys.keyers[name] for name in source.controllers}
        return SourceFacts(
            name=source.name,
            namespace=source.namespace,
            grade=source.grade,
            controllers=keyers,
            default=source.controllers[0] if len(source.controllers) == 1 else "",
            directory=DirectoryContext(operator_agent_key=self.keys.operator, controllers=self.keys.controllers),
            operator_key_id=_KEY_ID,
        )

    def _durable(self, arrival: Arrival) -> Durable:
        """Encode an event as the ledger would, in one shard a controller."""
        event = arrival.event
        shard = f"{event.controller}/000000"
        index = self.shards.get(shard, 0)
        self.shards[shard] = index + 1
        spooled = SpoolEvent(
            kind=event.kind,
            source=arrival.source,
            epoch=1,
            seq=index + 1,
            captured_at=event.captured_at,
            controller=event.controller,
            key_id=event.key_id,
            body=event.body,
        )
        return Durable(shard, index, encode_entry(spooled, arrival.received_at))


def _sealed(at: int, kind: EntryKind, controller: str, body: object, *, source: str = "core") -> Arrival:
    event = Event(kind=kind, captured_at=at, controller=controller, key_id=_KEY_ID, body=encode_body(body))
    return Arrival(at, source, event)
