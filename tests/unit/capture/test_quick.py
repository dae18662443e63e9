"""The quick way writes the very entry of the long way."""

import asyncio
import json
import struct
from typing import Any

import pytest

from quivive.capture.attribution import AttributionSettings
from quivive.capture.context import RelayContext, SourceFacts
from quivive.capture.recorder import Recorder
from quivive.capture.snapshot import CatalogueSnapshot, Column, Relation
from quivive.model.access import CaptureMode, Grade
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys
from quivive.wire.postgres.session import PgSession

KEYS = ControllerKeys(key_id="k1", record=b"\x11" * 32, agent=b"\x22" * 32)
TABLE = Table(name="public.customer", kind=TableKind.PERSON, key=("id",))
RELATION = Relation(
    oid=16_400,
    name="public.customer",
    kind="r",
    root=16_400,
    columns={1: Column(name="id", attnum=1, type_oid=20), 2: Column(name="last_name", attnum=2, type_oid=25)},
    primary_key=(1,),
    table=TABLE,
    protected=True,
)
SNAPSHOT = CatalogueSnapshot(
    declared=Catalogue(controller="aurore", version=1, tables=(TABLE,), not_protected=()),
    relations={16_400: RELATION},
    by_name={"public.customer": 16_400},
)


class ListSpool:
    """Keeps what is appended."""

    failure: StorageError | None = None
    durable_seq = 0

    def __init__(self) -> None:
        self.bodies: list[tuple[EntryKind, dict[str, Any]]] = []

    def append(self, *, kind: EntryKind, captured_at: int, controller: str, key_id: str, body: bytes) -> int:
        assert list(json.loads(body)) == sorted(json.loads(body))
        self.bodies.append((kind, json.loads(body)))
        return len(self.bodies)

    def later(self, burst: Any, fact: Any) -> int:
        ((_, body),) = burst.encode([fact])
        return self.append(kind=burst.kind, captured_at=0, controller=burst.controller, key_id=burst.key_id, body=body)

    async def durable(self, seq: int) -> None:
        """Always at once."""


def frame(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def request(value: bytes, form: int) -> bytes:
    formats = b"\0\1\0\1" if form else b"\0\0"
    bind = frame(b"B", b"\0s\0" + formats + b"\0\1" + struct.pack("!I", len(value)) + value + b"\0\0")
    return bind + frame(b"D", b"P\0") + frame(b"E", b"\0\0\0\0\0") + frame(b"S", b"")


def answer(rows: int) -> bytes:
    description = frame(b"T", b"\0\1last_name\0" + struct.pack("!IhIhih", 16_400, 2, 25, -1, -1, 0))
    row = frame(b"D", b"\0\1\0\0\0\4Nom1")
    return frame(b"2", b"") + description + row * rows + frame(b"C", b"SELECT %d\0" % rows) + frame(b"Z", b"I")


def entries_of(values: list[tuple[bytes, int]], form: int, *, lanes: bool) -> list[dict[str, Any]]:
    ticks = iter(range(1_000_000, 9_000_000, 7))
    spool = ListSpool()
    context = RelayContext(
        facts=SourceFacts(
            name="db",
            controller="aurore",
            region="FR",
            mode=CaptureMode.OBSERVE,
            closed=False,
            grade=Grade.A,
            attribution=AttributionSettings(namespace="crm"),
        ),
        keys=KEYS,
        spool=spool,
        epoch=1,
        clock=lambda: next(ticks),
        snapshot=SNAPSHOT,
        policy=CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=("app",)),
        side=None,
        reload=None,
    )
    session = PgSession(Recorder(context, login="app", startup={}))
    session.client_bytes(frame(b"P", b"s\0select last_name from customer where id = $1\0\0\0") + frame(b"S", b""))
    session.server_bytes(frame(b"1", b"") + frame(b"Z", b"I"))
    for value, rows in values:
        whole = request(value, form)
        for part in (whole,) if lanes else (whole[:9], whole[9:]):
            session.client_bytes(part)
        session.server_bytes(answer(rows))
    bodies = [body for kind, body in spool.bodies if kind is EntryKind.ACCESS]
    for body in bodies:
        body["at"] = body["ended_at"] = 0
    return bodies


@pytest.mark.parametrize("form", [0, 1])
def test_quick_and_long_way_write_the_same(form: int) -> None:
    """Same binds and answers, with and without the lane: the same entries but for their instants."""

    async def work() -> None:
        def bind(number: int) -> bytes:
            return struct.pack("!q", number) if form else str(number).encode()

        values = [(bind(n), 1) for n in (1, 2, 64, -5, 1, 10**15)] + [(bind(7), 0), (bind(8), 2)]
        if not form:
            values += [(b"007", 1), (b" 7", 1), (b"9" * 30, 1)]
        quick, long = entries_of(values, form, lanes=True), entries_of(values, form, lanes=False)
        assert quick == long
        assert len(quick) == len(values)
        assert all(body["coverage"] == "predicate" for body in quick[:6])

    asyncio.run(work())
