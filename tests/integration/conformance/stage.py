"""Plays one script to a real server and to relays before it, and compares what the client heard and what was recorded.

Ways: `direct` is the reference; `relay` reads as it comes; `bytes` is a relay whose every read, of both its sockets, is
handed on one byte at a time; `strict` holds rows and writes until their trace is durable. What passed through `relay` is
played once more through the codec alone, split in two at every offset.
"""

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from relay_support import KEYS, Running, accesses, customer, entries, make_home
from transcripts import Notes, Read, play, split
from wire_client import Message, Wire

from quivive.capture.leg import Leg
from quivive.model.catalogue import Table, TableKind
from quivive.privacy.pseudonym import record_key
from quivive.wire.postgres.session import PgSession

USER = "app_user"
MAX_EVERY_OFFSET = 3_000
"""Bytes of a conversation that is split at each of its offsets; of a longer one some hundred are taken."""
OFFSETS_TAKEN = 100
_TABLES = {
    "public.customer": {customer(number): number for number in range(1_010)},
    "public.orders": {record_key(KEYS, "public.orders", str(number)): number for number in range(2_010)},
}
MORE_TABLES = tuple(
    Table(name=f"public.{name}", kind=TableKind.PERSON, key=("id",), path=None)
    for name in ("by_uuid", "by_numeric", "by_small", "by_int", "by_text", "evolving")
)
"""Declared beside those of relay_support: one key type each."""
WAYS = ("direct", "relay", "bytes", "strict")
OBSERVING = ("direct", "relay", "bytes")
"""For what a guarded session answers in another way, by design."""
Script = Callable[[Wire], None]


class Told(NamedTuple):
    """An access as the tests speak of it: `records` are numbers where they are known, else how many."""

    action: str
    outcome: str
    coverage: str
    rows: int
    records: dict[str, Any]


def told(access: dict[str, Any]) -> Told:
    assert access["final"], "an access without its end"
    records: dict[str, Any] = {}
    for table, keys in access["records"].items():
        known = _TABLES.get(table)
        name = table.removeprefix("public.")
        records[name] = sorted(known[key] for key in keys) if known else len(set(keys))
    return Told(access["action"], access["outcome"], access["coverage"], access["rows"], records)


def read(*customers: int, rows: int | None = None, outcome: str = "ok", coverage: str = "exact") -> Told:
    """A read of customers."""
    count = len(customers) if rows is None else rows
    return Told("read", outcome, coverage, count, {"customer": list(customers)} if customers else {})


def listing(*customers: int) -> Told:
    """A read whose statement names no key."""
    return Told("list", "ok", "exact", len(customers), {"customer": list(customers)})


@dataclass
class Way:
    """One way to the server."""

    name: str
    address: tuple[str, int]
    running: Running | None = None
    seen: int = 0
    gaps_seen: int = 0

    def settle(self) -> None:
        """Wait until every connection of the relay is over."""
        assert self.running is not None
        until = time.monotonic() + 10
        while self.running.relay._connections and time.monotonic() < until:
            time.sleep(0.002)
        assert not self.running.relay._connections, "a connection outlived its client"
        self.running.call(self._flush)

    async def _flush(self) -> None:
        assert self.running is not None
        await self.running.relay.context.quiesce()
        assert self.running.relay._spool is not None
        self.running.relay._spool._flush()

    def fresh(self) -> tuple[list[Told], list[str]]:
        """Accesses and causes of gaps since the last call."""
        assert self.running is not None
        found = accesses(self.running.home)
        gaps = [body["cause"] for kind, body in entries(self.running.home) if kind == "gap"]
        new = [told(one) for one in found[self.seen :]], gaps[self.gaps_seen :]
        self.seen, self.gaps_seen = len(found), len(gaps)
        return new


@dataclass
class Played:
    """What a script gave: the same for every way, or the play has failed before this was made."""

    heard: list[Message]
    events: list[Told]
    gaps: list[str]
    by_way: dict[str, list[Message]] = field(default_factory=dict)


def masked(messages: list[Message]) -> list[Message]:
    """Without what differs between two connections to one server."""
    out = []
    for kind, body in messages:
        if kind == "K":  # process and secret: their lengths are compared
            out.append((kind, bytes(len(body))))
        elif kind == "A":  # a notification names its sender's process
            out.append((kind, body[4:]))
        elif kind == "R" and body[:4] in (b"\0\0\0\5", b"\0\0\0\x0b", b"\0\0\0\x0c"):  # salts and nonces
            out.append((kind, body[:4]))
        else:
            out.append((kind, body))
    return out


class Stage:
    """One server, its database and the ways to it."""

    def __init__(self, server: Any, name: str, folder: Path) -> None:
        self.server = server
        self.name = name
        self.folder = folder
        self.direct = (server.host, server.port)
        self.reads: list[Read] = []
        self._recording = False

    def home(self, folder: str, **source: Any) -> Any:
        """Settings of another relay before this server."""
        side = self.server.socket_dsn(self.name, user="side_user")
        target = source.pop("target", f"{self.server.host}:{self.server.port}")
        settings = make_home(self.folder / folder, target=target, side_dsn=side, **source)
        controller = settings.controllers["aurore"]
        catalogue = replace(controller.catalogue, tables=controller.catalogue.tables + MORE_TABLES)
        known = {"aurore": replace(controller, catalogue=catalogue)}
        return replace(settings, controllers=known)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Start the relays."""
        strict_home = self.home("strict", mode="strict")
        with (
            Running(self.home("relay")) as whole,
            Running(self.home("bytes")) as single,
            Running(strict_home) as strict,
        ):
            self.ways = {
                "direct": Way("direct", self.direct),
                "relay": Way("relay", ("127.0.0.1", whole.relay.port), whole),
                "bytes": Way("bytes", ("127.0.0.1", single.relay.port), single),
                "strict": Way("strict", ("127.0.0.1", strict.relay.port), strict),
            }
            self.threads = {whole.thread: "relay", single.thread: "bytes"}
            yield

    def play(
        self,
        script: Script,
        *,
        ways: tuple[str, ...] = WAYS,
        mask: Callable[[list[Message]], list[Message]] = masked,
        codec: bool = True,
    ) -> Played:
        """Play a script on a new connection of each way; fail unless all heard and told the same."""
        heard: dict[str, list[Message]] = {}
        events: dict[str, tuple[list[Told], list[str]]] = {}
        for name in ways:
            way = self.ways[name]
            if way.running is not None:
                way.fresh()  # what a play that failed has left
            self.reads, self._recording = [], name == "relay" and codec
            with Wire(way.address) as wire:
                script(wire)
            heard[name] = mask(wire.heard)
            if way.running is not None:
                way.settle()
                events[name] = way.fresh()
            if self._recording:
                self._recording = False
                every_offset(self.reads)
        for name in ways:
            assert heard[name] == heard[ways[0]], f"{name} is not {ways[0]}"
            if name == "strict":
                assert intended(*events[name]) == intended(*events["relay"]), "strict told other events"
            elif name in events:
                assert events[name] == events["relay"], f"{name} told other events"
        told_events, gaps = events.get("relay", ([], []))
        return Played(heard[ways[0]], told_events, gaps, heard)

    def enter(self, wire: Wire, **parameters: str) -> None:
        """Start up as the application does."""
        came = wire.enter(USER, self.name, **parameters)
        assert came[-1][0] == "Z", came

    def keys_told(self, count: int) -> list[list[str]]:
        """All record keys of each of the newest accesses of `relay`."""
        return [[key for keys in one["records"].values() for key in keys] for one in self.newest(count)]

    def newest(self, count: int) -> list[dict[str, Any]]:
        """The newest accesses of `relay`."""
        running = self.ways["relay"].running
        assert running is not None
        return accesses(running.home)[-count:]

    # --- reads as small as they get, and a copy of what was read -------------------------------------------------------

    def noted(self, way: str, data: bytes) -> None:
        """A read that the codec of `relay` takes."""
        if self._recording and data and self.threads.get(threading.current_thread()) == "relay":
            self.reads.append((way, data))


class Reads:
    """Stands between the sockets and the legs of every relay of this process."""

    def __init__(self, stages: list[Stage]) -> None:
        self.stages = stages
        self.waiting: dict[int, deque[bytes]] = {}

    def install(self, patch: pytest.MonkeyPatch) -> None:
        received, unhold, lost = Leg.data_received, Leg.unhold, Leg.connection_lost
        waiting = self.waiting
        ended: dict[int, Exception | None] = {}

        def drain(leg: Leg) -> None:
            pieces = waiting.get(id(leg))
            while pieces and leg._holds == 0:
                received(leg, pieces.popleft())
            if not pieces and id(leg) in ended:
                lost(leg, ended.pop(id(leg)))

        def data_received(leg: Leg, data: bytes) -> None:
            thread = threading.current_thread()
            single = any(stage.threads.get(thread) == "bytes" for stage in self.stages)
            if not single:
                received(leg, data)
                return
            waiting.setdefault(id(leg), deque()).extend(data[at : at + 1] for at in range(len(data)))
            drain(leg)

        def unhold_and_drain(leg: Leg) -> None:
            unhold(leg)
            drain(leg)

        def connection_lost(leg: Leg, exc: Exception | None) -> None:
            if waiting.get(id(leg)) and leg._holds:  # as if the last reads had not been made yet
                ended[id(leg)] = exc
            else:
                waiting.pop(id(leg), None)
                lost(leg, exc)

        def noting(way: str, take: Callable[[PgSession, bytes], bytes]) -> Callable[[PgSession, bytes], bytes]:
            def taken(session: PgSession, data: bytes) -> bytes:
                for stage in self.stages:
                    stage.noted(way, data)
                return take(session, data)

            return taken

        patch.setattr(PgSession, "client_bytes", noting("C", PgSession.client_bytes))
        patch.setattr(PgSession, "server_bytes", noting("S", PgSession.server_bytes))
        patch.setattr(Leg, "data_received", data_received)
        patch.setattr(Leg, "unhold", unhold_and_drain)
        patch.setattr(Leg, "connection_lost", connection_lost)


def every_offset(reads: list[Read]) -> None:
    """The codec tells the same wherever one read is split in two, guarded or not, and passes the same bytes."""
    whole = Notes()
    play(reads, whole)
    story = whole.story()
    size = sum(len(data) for _, data in reads)
    step = 1 if size <= MAX_EVERY_OFFSET else size // OFFSETS_TAKEN
    before = 0
    for at, (way, data) in enumerate(reads):
        for offset in range(1 + (-before - 1) % step, len(data), step):
            notes = Notes()
            play([*reads[:at], (way, data[:offset]), (way, data[offset:]), *reads[at + 1 :]], notes)
            assert notes.story() == story, f"read {at} split at {offset}"
        before += len(data)
    for shape in (reads, split(reads, lambda length: list(range(1, length)))):
        notes = Notes()
        _, to_server, to_client = play(shape, notes, guarded=True)
        assert notes.story() == story
        assert to_server == b"".join(data for way, data in reads if way == "C")
        assert to_client == b"".join(data for way, data in reads if way == "S")


def intended(events: list[Told], gaps: list[str]) -> tuple[list[Told], list[str]]:
    """Events of strict that observe must have too.

    Strict tells an access when it begins, so that the order is another, and what could be a write before the server
    refuses its Bind: that one is attempted.
    """
    kept = [one for one in events if (one.outcome, one.coverage, one.rows) != ("attempted", "opaque", 0)]
    return sorted(kept, key=str), gaps


def tally(events: list[Told]) -> Counter[str]:
    """How many events of each outcome."""
    return Counter(event.outcome for event in events)
