"""The edge of the intake: bytes of a batch in, durable entries and a report out (DESIGN §6, §11).

Called by the API (`POST /v1/accesses`, `/contacts`, `/directory`, `/roster`, `/heartbeats`) and by the
follower of access files, inside the core. Must never answer before the spool is durable, never write a
value that came in a row, and never decide what may be kept: the policy of the source does.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from quivive.capture.place import Programs, Zones
from quivive.contacts.directory import DirectoryContext, SealedIdentity
from quivive.intake.batch import (
    Event,
    IntakeKind,
    LinkEvent,
    MappedRow,
    SourceFacts,
    count_events,
    encode_body,
    link_events,
    map_batch,
)
from quivive.intake.seen import SeenTable
from quivive.model.access import GapBody
from quivive.model.clock import Micros, utc_day
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError, StorageError
from quivive.model.gate import CapturePolicy
from quivive.model.ids import OPERATOR
from quivive.privacy.pseudonym import ControllerKeys
from quivive.privacy.subject import SubjectKeyer
from quivive.rows import RowError, decode_rows
from quivive.settings import BEST_GRADE, EDGE_KINDS, Settings, SourceKind

MAX_LINKS_REMEMBERED: Final = 65_536
"""Links already sent, per process: about 10 MB; a forgotten one is sent again, which changes nothing."""
MAX_UNWRITTEN: Final = 100_000
"""Rows remembered while `intake.db` cannot be written: about 10 MB; beyond, a second sending may give a double."""
MAX_INLINE_BYTES: Final = 32_768
"""Bytes of a batch mapped on the loop (about a millisecond); larger ones go to a worker thread."""

T = TypeVar("T")


class SpoolPort(Protocol):
    """What the intake needs of `spool.AsyncSpool`: numbered appends, then a wait for the disk."""

    def append(self, *, kind: EntryKind, captured_at: int, controller: str, key_id: str, body: bytes) -> int:
        """Number an event. Raises StorageError when too much waits for the disk."""

    async def durable(self, seq: int) -> None:
        """Wait until `seq` is on disk. Raises StorageError when the disk refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeReport:
    """What became of a batch. Rows numbered from 0; `refused` names fields and types, never values."""

    accepted: int
    duplicates: int
    refused: tuple[RowError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakePorts:
    """What the app lends to the intake.

    Fields:
        controller_keys: pseudonym keys of a controller, the operator's own included (`Keyring.controller_keys`).
        spool: the open spool of a source; one writer for each, kept by the app.
        policy: what a source may keep now.
        seal: seals identities into the vault, durable on return. Called after the spool is durable.
        clock: now, microseconds UTC.
    """

    operator_agent_key: bytes
    controller_keys: Callable[[str], ControllerKeys]
    spool: Callable[[str], SpoolPort]
    policy: Callable[[str], CapturePolicy]
    seal: Callable[[Sequence[SealedIdentity]], Awaitable[None]]
    clock: Callable[[], int]


_ACCEPTS: Final[dict[IntakeKind, frozenset[SourceKind]]] = {
    IntakeKind.ACCESSES: frozenset({SourceKind.ACCESSES, SourceKind.ACCESS_FILE, SourceKind.FILES}),
    IntakeKind.CONTACTS: frozenset({SourceKind.CONTACTS, SourceKind.FILES, SourceKind.AMI}),
    IntakeKind.DIRECTORY: frozenset({SourceKind.DIRECTORY, SourceKind.FILES}),
    IntakeKind.ROSTER: frozenset({SourceKind.ROSTER, SourceKind.FILES}),
    IntakeKind.HEARTBEATS: frozenset(set(SourceKind) - EDGE_KINDS),
    IntakeKind.RECORDINGS: frozenset({SourceKind.CONTACTS, SourceKind.FILES, SourceKind.AMI}),
    IntakeKind.LISTENINGS: frozenset({SourceKind.CONTACTS, SourceKind.FILES, SourceKind.AMI}),
}


class Acceptor:
    """Takes batches for every source of the configuration. Any number of calls at once, in one event loop."""

    def __init__(self, settings: Settings, ports: IntakePorts, seen: SeenTable) -> None:
        self._ports, self._seen = ports, seen
        self._facts = {
            name: source_facts(settings, name, ports.controller_keys, ports.operator_agent_key)
            for name in settings.sources
        }
        self._kinds = {name: source.kind for name, source in settings.sources.items()}
        self._under_way: dict[bytes, int] = {}  # digest → number in its spool, appended but not yet durable
        self._unwritten: dict[bytes, None] = {}  # durable, but the memory's file refused
        self._links: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self.totals: dict[str, Counter[str]] = {}  # rows accepted, duplicates, refused by source, since the start

    async def take(
        self,
        *,
        kind: IntakeKind | str,
        source: str,
        content_type: str,
        body: bytes,
        controllers: tuple[str, ...] | None = None,
    ) -> IntakeReport:
        """Take one batch; everything reported as accepted or duplicate is durable on return.

        Raises:
            RefusedError: `content_type`, `too_large`, `body_unreadable`, `source_unknown` or `source_kind`.
            StorageError: nothing was acknowledged; the sender may send the same batch again.
        """
        kind = IntakeKind(kind)
        facts = self._check(kind, source, controllers)
        policy, now = self._ports.policy(source), self._ports.clock()

        def mapped() -> tuple[list[MappedRow], list[RowError]]:
            return map_batch(kind, facts, policy, decode_rows(content_type, body), now)

        rows, refused = await _away(len(body), mapped)
        # From here to the append nothing awaits: a row is either seen, under way or ours.
        known = self._seen.known([row.digest for row in rows if row.digest])
        fresh, wait_for = self._sift(rows, known)
        spool = self._ports.spool(source)
        try:
            last = self._append(spool, fresh)
            await spool.durable(max(last, wait_for))
            identities = [row.identity for row in fresh if row.identity is not None]
            if identities:
                await self._ports.seal(identities)
            taken = [row.digest for row in fresh if row.digest]
            if taken:
                await self._remember(taken, len(body), now)
        finally:
            for row in fresh:
                self._under_way.pop(row.digest, None)
        self._remember_links(fresh)
        report = IntakeReport(accepted=len(fresh), duplicates=len(rows) - len(fresh), refused=tuple(refused))
        totals = self.totals.setdefault(source, Counter())
        totals.update(accepted=report.accepted, duplicates=report.duplicates, refused=len(report.refused))
        return report

    def source_for(self, kind: IntakeKind | str, sources: Sequence[str]) -> str:
        """Choose, among the sources a token may write, the one that takes this kind of batch.

        Raises:
            RefusedError: `source_kind` when none does, `source_ambiguous` when several do.
        """
        taking = [name for name in sources if self._kinds.get(name) in _ACCEPTS[IntakeKind(kind)]]
        if not taking:
            raise RefusedError("source_kind", f"no source of this token takes {IntakeKind(kind)}")
        if len(taking) > 1:
            raise RefusedError("source_ambiguous", f"several sources of this token take {IntakeKind(kind)}")
        return taking[0]

    async def record_gap(self, source: str, gap: GapBody) -> None:
        """Append a gap of an intake source: losing sight is an event (DESIGN §2). Durable on return.

        Raises:
            StorageError: it could not be written.
        """
        spool, last = self._ports.spool(source), 0
        for controller, keyer in self._facts[source].controllers.items():
            last = spool.append(
                kind=EntryKind.GAP,
                captured_at=self._ports.clock(),
                controller=controller,
                key_id=keyer.keys.key_id,
                body=encode_body(gap),
            )
        await spool.durable(last)

    def _check(self, kind: IntakeKind, source: str, controllers: tuple[str, ...] | None) -> SourceFacts:
        facts = self._facts.get(source)
        if facts is None:
            raise RefusedError("source_unknown", "expected a source of quivive.toml")
        if self._kinds[source] not in _ACCEPTS[kind]:
            raise RefusedError("source_kind", f"source {source} takes no {kind}")
        return facts if controllers is None else _narrowed(facts, controllers)

    def _sift(self, rows: Sequence[MappedRow], known: set[bytes]) -> tuple[list[MappedRow], int]:
        """Keep the rows not taken before; a row another call is writing is waited for, not written twice."""
        fresh, wait_for = list[MappedRow](), 0
        for row in rows:
            if not row.digest:
                fresh.append(row)
            elif row.digest in self._under_way:
                wait_for = max(wait_for, self._under_way[row.digest])
            elif row.digest not in known and row.digest not in self._unwritten:
                known.add(row.digest)
                fresh.append(row)
        return fresh, wait_for

    async def _remember(self, digests: Sequence[bytes], size: int, now: int) -> None:
        """What the file cannot take is kept here and tried again: the rows are durable, so they are accepted."""
        self._unwritten.update(dict.fromkeys(digests))
        waiting = list(self._unwritten)
        try:
            await _away(size, lambda: self._seen.add(waiting, now))
        except StorageError:
            for digest in waiting[: max(0, len(self._unwritten) - MAX_UNWRITTEN)]:
                self._unwritten.pop(digest, None)
            return
        for digest in waiting:
            self._unwritten.pop(digest, None)

    def _append(self, spool: SpoolPort, rows: Sequence[MappedRow]) -> int:
        """Append everything these rows give; no await, so that two calls never interleave a row's events."""
        events = [event for row in rows for event in row.events]
        events += count_events(rows)
        events += link_events(self._new_links(rows))
        last = 0
        for event in events:
            last = _append_event(spool, event)
        self._under_way.update((row.digest, last) for row in rows if row.digest)
        return last

    def _new_links(self, rows: Sequence[MappedRow]) -> list[LinkEvent]:
        found: dict[tuple[str, ...], LinkEvent] = {}
        for row in rows:
            for link in row.links:
                name = _link_name(link)
                if name not in self._links:
                    found.setdefault(name, link)
        return list(found.values())

    def _remember_links(self, rows: Sequence[MappedRow]) -> None:
        """Remember links once they are durable; the least recently seen are forgotten first."""
        for row in rows:
            for link in row.links:
                self._links[_link_name(link)] = None
                self._links.move_to_end(_link_name(link))
        while len(self._links) > MAX_LINKS_REMEMBERED:
            self._links.popitem(last=False)


def _link_name(link: LinkEvent) -> tuple[str, ...]:
    return link.controller, utc_day(Micros(link.at)), link.link.left, link.link.right


def _append_event(spool: SpoolPort, event: Event) -> int:
    return spool.append(
        kind=event.kind,
        captured_at=event.captured_at,
        controller=event.controller,
        key_id=event.key_id,
        body=event.body,
    )


async def _away(size: int, call: Callable[[], T]) -> T:
    """Run a call here when it is short, in a worker thread when the batch is large."""
    return call() if size <= MAX_INLINE_BYTES else await asyncio.to_thread(call)


def _narrowed(facts: SourceFacts, controllers: tuple[str, ...]) -> SourceFacts:
    """Keep only the controllers the token may write for."""
    allowed = {name: keyer for name, keyer in facts.controllers.items() if name in controllers}
    return replace(facts, controllers=allowed, default=facts.default if facts.default in allowed else "")


def source_facts(
    settings: Settings, name: str, controller_keys: Callable[[str], ControllerKeys], operator_agent_key: bytes
) -> SourceFacts:
    """Settle once what every batch of a source needs; also for a dry run, with keys thrown away afterwards."""
    source = settings.sources[name]
    served = [c.id for c in settings.controllers.values() if name in c.contact_sources] or list(settings.controllers)
    names = [source.controller] if source.controller else served
    keyers = {
        each: SubjectKeyer(
            keys=controller_keys(each),
            catalogue=settings.controllers[each].catalogue,
            region=settings.controllers[each].default_region,
        )
        for each in names
    }
    every = {each: controller_keys(each) for each in settings.controllers}
    best = BEST_GRADE.get(source.kind, source.grade)
    return SourceFacts(
        name=name,
        namespace=source.namespace,
        grade=max(source.grade, best),
        controllers=keyers,
        default=names[0] if len(names) == 1 else "",
        directory=DirectoryContext(operator_agent_key=operator_agent_key, controllers=every),
        operator_key_id=controller_keys(OPERATOR).key_id,
        zones=Zones({name: zone.cidrs for name, zone in settings.zones.items()}),
        programs=Programs(source.programs),
        second=bool(source.reconcile_with),
    )
