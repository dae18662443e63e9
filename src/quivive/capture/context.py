"""What all connections of one relay share: settings, keys, policy, catalogue, caches, spool, counters.

Built by `relay`, used by the recorders. Must never block the loop, and never lose sight in silence: what cannot be
spooled is counted and becomes a `gap`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from quivive.capture.attribution import AttributionSettings
from quivive.capture.burst import AccessBurst, Told
from quivive.capture.catalogue import CatalogueSnapshot
from quivive.capture.counts import Counts
from quivive.capture.encode import encode_body
from quivive.capture.place import NO_ZONES, Zones
from quivive.capture.run import OWN_PATH
from quivive.capture.settling import Prepared
from quivive.capture.snapshot import UNKNOWN_PATH
from quivive.capture.statements import Known, Shape, Statements
from quivive.model.access import CaptureMode, GapBody, GapCause, Grade, LinkBody
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys
from quivive.spool.group import Burst
from quivive.spool.record import RecordError
from quivive.wire.fields import Field

MAX_LINKS: Final = 65_536
"""Links remembered as already told: about 10 MB."""
MAX_PATHS: Final = 1_024
"""Search paths of sessions for which the catalogue is remembered."""
MAX_MADE: Final = 1_024
"""Undeclared tables remembered with the tables they were filled from."""
REFRESH_PAUSE_S: Final = 1.0
"""Least time between two reads of the catalogue for unknown OIDs (temporary tables are never in it)."""


class Spool(Protocol):
    """The part of AsyncSpool that recorders need."""

    failure: StorageError | None

    def append(self, *, kind: EntryKind, captured_at: int, controller: str, key_id: str, body: bytes) -> int:
        """Number an event."""

    def later(self, burst: Burst, fact: Any) -> int:
        """Number an event that is encoded when this loop tick ends."""

    @property
    def durable_seq(self) -> int:
        """Last number that a power cut cannot take."""

    def when_durable(self, seq: int, waiter: Callable[[StorageError | None], None]) -> None:
        """Call once `seq`, beyond `durable_seq`, is on disk or could not be written."""


class Side(Protocol):
    """The part of the side connection that recorders need."""

    async def fields_of(
        self, known: Known, index: int, types: tuple[int, ...], path: tuple[str, ...] | None = None
    ) -> tuple[Field, ...] | None:
        """Columns of a statement, None when they cannot be told; `path` where it is not that of the side account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """Settings of the source that recorders read."""

    name: str
    controller: str
    region: str
    mode: CaptureMode
    closed: bool
    grade: Grade
    attribution: AttributionSettings
    zones: Zones = NO_ZONES
    max_records: int = 0
    """Records that one result may show where the policy says that limits are instructed; 0: no limit."""
    limited: bool = False
    """A limit is set, on a result or on an agent: sessions look before they pass."""


class RelayContext:
    """One per relay process; everything on its loop."""

    def __init__(
        self,
        *,
        facts: SourceFacts,
        keys: ControllerKeys,
        spool: Spool,
        epoch: int,
        clock: Callable[[], int],
        snapshot: CatalogueSnapshot,
        policy: CapturePolicy,
        side: Side | None,
        reload: Callable[[], Awaitable[CatalogueSnapshot | None]] | None,
    ) -> None:
        self.facts = facts
        self.keys = keys
        self.spool = spool
        self.clock = clock
        self.snapshot = snapshot
        self.policy = policy
        self.generation = 1
        self.names = 1
        """Counts up when a name may mean another table than before."""
        self.statements = Statements()
        self.counts = Counts()
        self.prepared: Prepared = {}
        self.sessions = 0
        self._side = side
        self._reload = reload
        self.epoch = f"{epoch:x}"
        self.accesses = 0
        """Executions given an identifier so far."""
        self._burst = AccessBurst(facts.controller, keys.key_id)
        self._links: dict[tuple[str, str], None] = {}
        self._lost = 0
        self._lost_from = 0
        self._describing: dict[tuple[int, int, tuple[str, ...]], asyncio.Future[None]] = {}
        self._paths: dict[tuple[str, str], tuple[str, ...]] = {}
        self._views: dict[tuple[str, ...], CatalogueSnapshot] = {}
        self._bare: frozenset[str] | None = None
        self._refreshing: asyncio.Future[None] | None = None
        self._refreshed = float("-inf")

    # --- entries --------------------------------------------------------------------------------------------------

    def next_access(self) -> str:
        """Identifier of an execution, unique within the source."""
        self.accesses += 1
        return f"{self.epoch}-{self.accesses:x}"

    def next_session(self) -> str:
        """Clear name of a connection, to be pseudonymised."""
        self.sessions += 1
        return f"{self.epoch}/{self.sessions}"

    def append(self, kind: EntryKind, body: bytes, at: int = 0) -> int:
        """Spool an entry, captured `at` or now; 0 when it could not be (counted as lost)."""
        now = at or self.clock()
        try:
            return self.spool.append(
                kind=kind, captured_at=now, controller=self.facts.controller, key_id=self.keys.key_id, body=body
            )
        except (StorageError, RecordError):
            self._lost_from = self._lost_from or now
            self._lost += 1
            return 0

    def later(self, told: Told) -> int:
        """Spool an access that is encoded when this loop tick ends; 0 when it could not be (counted as lost)."""
        try:
            return self.spool.later(self._burst, told)
        except StorageError:
            self._lost_from = self._lost_from or self.clock()
            self._lost += 1
            return 0

    @property
    def blind(self) -> bool:
        """The trace cannot be written at present."""
        return self._lost_from != 0 or self.spool.failure is not None

    def let_through(self) -> None:
        """Strict could not be held and the source is open: bytes pass before their trace is durable."""
        self._lost_from = self._lost_from or self.clock()

    def settle_losses(self) -> None:
        """Write the gap of a failure that is over."""
        if self._lost_from and self.spool.failure is None:
            lost, lost_from = self._lost, self._lost_from
            self._lost = self._lost_from = 0
            if not self.gap(lost_from, self.clock(), GapCause.SPOOL_FULL, lost):
                self._lost, self._lost_from = lost, lost_from  # the gap itself is owed, not lost

    def gap(self, from_at: int, to_at: int, cause: GapCause, lost: int) -> int:
        """Spool a gap."""
        return self.append(EntryKind.GAP, encode_body(GapBody(from_at=from_at, to_at=to_at, cause=cause, lost=lost)))

    def link(self, link: LinkBody) -> None:
        """Spool a link that was not told yet."""
        key = (link.left, link.right)
        if key in self._links:
            return
        if len(self._links) >= MAX_LINKS:
            del self._links[next(iter(self._links))]
        if self.append(EntryKind.LINK, encode_body(link)):
            self._links[key] = None

    def flush_counts(self) -> None:
        """Spool the counters."""
        for body in self.counts.take(self.clock()):
            self.append(EntryKind.ACCESS_COUNT, encode_body(body))

    # --- catalogue and descriptions ---------------------------------------------------------------------------------

    def path_of(self, said: str, user: str) -> tuple[str, ...]:
        """Schemas of a session's search path; the same object for the same path."""
        found = self._paths.get((said, user))
        if found is None:
            if len(self._paths) >= MAX_PATHS:
                self._paths.clear()
            found = self.snapshot.path_of(said, user)
            found = self._paths[said, user] = self.view(found).search_path
        return found

    def view(self, path: tuple[str, ...]) -> CatalogueSnapshot:
        """The catalogue as a session with this search path sees it."""
        if path is OWN_PATH or path == self.snapshot.search_path:
            return self.snapshot
        found = self._views.get(path)
        if found is None:
            if len(self._views) >= MAX_PATHS:
                self._views.clear()
            found = self._views[path] = replace(self.snapshot, search_path=path)
        return found

    @property
    def bare_names(self) -> frozenset[str]:
        """Names of lasting tables and views, without their schemas."""
        if self._bare is None:
            self._bare = frozenset(name.rpartition(".")[2] for name in _lasting(self.snapshot))
        return self._bare

    def _replaced(self, snapshot: CatalogueSnapshot) -> None:
        self.snapshot = snapshot
        self.generation += 1
        self._paths.clear()
        self._views.clear()
        self._bare = None

    def describe(
        self, known: Known, index: int, types: tuple[int, ...], path: tuple[str, ...]
    ) -> "asyncio.Future[None] | None":
        """Ask for the columns of a statement aside, once per shape and path; None when nobody can be asked."""
        shape = known.shape
        if self._side is None or not known.text or path is UNKNOWN_PATH:
            return None
        key = (id(shape), index, path)
        running = self._describing.get(key)
        if running is None:
            running = asyncio.ensure_future(self._describe(self._side, known, index, types, path))
            self._describing[key] = running
            running.add_done_callback(lambda _: self._describing.pop(key, None))
        return running

    async def _describe(
        self, side: Side, known: Known, index: int, types: tuple[int, ...], path: tuple[str, ...]
    ) -> None:
        shape: Shape = known.shape
        own = path == self.snapshot.search_path
        shape.described[index, path] = await side.fields_of(known, index, types, None if own else path)

    def tie(self, name: str, sources: tuple[str, ...]) -> None:
        """A table was filled from others: what is read there names them."""
        bare = name.rpartition(".")[2]
        known = self.snapshot.made.get(bare, ())
        both = tuple(dict.fromkeys((*known, *sources)))
        if both == known or len(self.snapshot.made) >= MAX_MADE:
            return
        self._replaced(replace(self.snapshot, made={**self.snapshot.made, bare: both}))

    def refresh(self) -> "asyncio.Future[None] | None":
        """Read the catalogue again; None when that was done a moment ago or cannot be done."""
        if self._refreshing is not None:
            return self._refreshing
        now = asyncio.get_running_loop().time()
        if self._reload is None or now - self._refreshed < REFRESH_PAUSE_S:
            return None
        self._refreshed = now
        self._refreshing = asyncio.ensure_future(self._refresh(self._reload))
        return self._refreshing

    async def quiesce(self) -> None:
        """Wait for what is being asked aside: each call has its own time limit."""
        asking = [*self._describing.values(), *([self._refreshing] if self._refreshing is not None else [])]
        if asking:
            await asyncio.wait(asking)

    async def _refresh(self, reload: Callable[[], Awaitable[CatalogueSnapshot | None]]) -> None:
        try:
            snapshot = await reload()
            if snapshot is not None:
                if _lasting(snapshot) != _lasting(self.snapshot):
                    self.names += 1
                self._replaced(replace(snapshot, made=self.snapshot.made))
        finally:
            self._refreshing = None


def _lasting(snapshot: CatalogueSnapshot) -> dict[str, int]:
    """What names mean to every session: all but temporary tables."""
    return {name: oid for name, oid in snapshot.by_name.items() if not name.startswith("pg_temp")}
