"""A RelayContext over the example catalogue, with a spool that remembers; shared by the tests of the relay's parts."""

import json
from collections.abc import Callable
from typing import Any

from example_catalogue import CUSTOMER, KEYS, SNAPSHOT, fields_of

from quivive.capture.attribution import AttributionSettings
from quivive.capture.context import RelayContext, Side, SourceFacts
from quivive.model.access import CaptureMode, Grade
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.model.gate import CapturePolicy
from quivive.wire.postgres.state import Execution, Statement

ACTIVE = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=("app",))
ID_FIELDS = fields_of((CUSTOMER, "id"), (CUSTOMER, "last_name"))
START_AT = 1_790_000_000_000_000


class MemorySpool:
    """Takes entries into a list; `full` refuses them; `sync` makes them durable, `break_disk` tells every waiter why not."""

    def __init__(self) -> None:
        self.entries: list[tuple[EntryKind, dict[str, Any]]] = []
        self.failure: StorageError | None = None
        self.durable_seq = 0
        self.full = False
        self._waiters: list[tuple[int, Callable[[StorageError | None], None]]] = []

    def append(self, *, kind: EntryKind, captured_at: int, controller: str, key_id: str, body: bytes) -> int:
        if self.full:
            raise StorageError("cannot write to the spool of db: No space left on device")
        self.entries.append((kind, json.loads(body)))
        return len(self.entries)

    def later(self, burst: Any, fact: Any) -> int:
        ((at, body),) = burst.encode([fact])
        return self.append(kind=burst.kind, captured_at=at, controller=burst.controller, key_id=burst.key_id, body=body)

    def when_durable(self, seq: int, waiter: Callable[[StorageError | None], None]) -> None:
        self._waiters.append((seq, waiter))

    def sync(self) -> None:
        self.durable_seq = len(self.entries)
        waiters, self._waiters = self._waiters, []
        for _, waiter in waiters:
            waiter(None)

    def break_disk(self) -> None:
        waiters, self._waiters = self._waiters, []
        for _, waiter in waiters:
            waiter(StorageError("cannot sync the spool of db: Input/output error"))

    def bodies(self, kind: EntryKind) -> list[dict[str, Any]]:
        return [body for found, body in self.entries if found is kind]


def make_context(
    *, mode: CaptureMode = CaptureMode.OBSERVE, closed: bool = False, side: Side | None = None
) -> tuple[RelayContext, MemorySpool]:
    """A context whose clock ticks a microsecond a call."""
    spool = MemorySpool()
    ticks = iter(range(START_AT, START_AT + 10**9))
    facts = SourceFacts(
        name="db",
        controller="aurore",
        region="FR",
        mode=mode,
        closed=closed,
        grade=Grade.A,
        attribution=AttributionSettings(namespace="crm"),
    )
    context = RelayContext(
        facts=facts,
        keys=KEYS,
        spool=spool,
        epoch=255,
        clock=lambda: next(ticks),
        snapshot=SNAPSHOT,
        policy=ACTIVE,
        side=side,
        reload=None,
    )
    return context, spool


def execution_of(context: RelayContext, sql: str, *, binds: tuple[bytes | None, ...] = (), index: int = 0) -> Execution:
    """An execution of a text just parsed, its columns `id, last_name` of the customers described."""
    statement = Statement(context.statements.known(sql.encode(), whole=True))
    statement.fields = ID_FIELDS
    execution = Execution(statement, index=index, fresh_text=True)
    execution.binds = list(binds)
    return execution
