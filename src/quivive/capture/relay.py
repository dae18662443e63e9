"""`quivive relay NAME`: the process that stands between agents' applications and one PostgreSQL (DESIGN §3, §6).

Called by the commands. Must never import the ledger, DuckDB or the web, nor stop serving because the core is down.
Exit codes: 0 stopped on request; 2 cannot start as configured; 1 the spool did not close cleanly.
"""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Final

import structlog
import uvloop

from quivive.capture.address import Address, parse_address, parse_side_dsn
from quivive.capture.arrival import Front
from quivive.capture.attribution import AttributionSettings
from quivive.capture.catalogue import CatalogueSnapshot, load_snapshot
from quivive.capture.context import RelayContext, SourceFacts
from quivive.capture.describer import Describer
from quivive.capture.encode import encode_body
from quivive.capture.logins import LoginsFile
from quivive.capture.place import Programs, Zones
from quivive.capture.policy import PolicyFile
from quivive.capture.postgres_proxy import Relayed
from quivive.capture.side import SideConnection, SideError
from quivive.capture.target import Target
from quivive.capture.tls import client_context, front_binding, server_context
from quivive.language import said
from quivive.model.access import CaptureMode, GapCause
from quivive.model.clock import SECOND_US, now_us
from quivive.model.contact import HeartbeatBody
from quivive.model.entry import EntryKind
from quivive.model.errors import QuiviveError, StorageError
from quivive.model.ids import worker_name
from quivive.privacy.keyring import load_relay_keys
from quivive.settings import Settings, SourceKind, SourceSettings
from quivive.spool.group import AsyncSpool
from quivive.spool.writer import SpoolWriter

log = structlog.get_logger()

EXIT_CONFIGURATION: Final = 2
POLICY_PERIOD_S: Final = 1.0
DRAIN_PAUSE_S: Final = 0.02
AGAIN_AFTER_S: Final = 1.0
"""A second signal counts from then on: a service manager and our own supervisor may both send the first one."""
STOP_TURNS: Final = 50
"""Turns of 10 ms in which sockets close."""
BORN_AFTER_US: Final = SECOND_US
"""An execution that runs longer gets a first part before its end."""
BACKLOG: Final = 512


class StartError(QuiviveError):
    """The relay cannot start; the text is one clear sentence."""


def run_relay(settings: Settings, source_name: str, worker: int = 1) -> int:
    """Run one worker of a source's relay until SIGTERM or SIGINT; return the exit code."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(settings, source_name, worker))
    except StartError as error:
        sys.stderr.write(f"quivive relay {worker_name(source_name, worker)}: {said(error)}\n")
        return EXIT_CONFIGURATION


async def _run(settings: Settings, name: str, worker: int) -> int:
    source = settings.sources.get(name)
    if source is None or source.kind is not SourceKind.POSTGRES:
        raise StartError("quivive.toml names no source of kind postgres with this name")
    if not 1 <= worker <= source.workers:
        raise StartError("the source has fewer workers; see `workers` in quivive.toml")
    relay = Relay(settings, name, source, worker)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    first_at = 0.0

    def asked() -> None:
        nonlocal first_at
        if stop.is_set() and loop.time() - first_at >= AGAIN_AFTER_S:
            relay.hurry()
        first_at = first_at or loop.time()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    await relay.start()
    await stop.wait()
    return await relay.stop()


class Relay:
    """A running relay. `start` binds and loads, `stop` ends cleanly; tests use it without a process."""

    def __init__(self, settings: Settings, name: str, source: SourceSettings, worker: int = 1) -> None:
        self._home: Path = settings.home
        self._name = name
        self._spool_name = worker_name(name, worker)
        self._source = source
        self._controller = settings.controllers[source.controller]
        self._zones = Zones({name: zone.cidrs for name, zone in settings.zones.items()})
        self._policy = PolicyFile(settings.home, name)
        self._logins = (
            LoginsFile(settings.home, name, source.secret_file) if source.authentication == "terminate" else None
        )
        self._connections: set[Relayed] = set()
        self._timers: list[asyncio.Task[None]] = []
        self._side: SideConnection | None = None
        self._spool: AsyncSpool | None = None
        self._server: asyncio.Server | None = None
        self._context: RelayContext | None = None
        self._hurry = False
        self.port = 0
        """Bound port, for tests that listen on port 0."""

    @property
    def context(self) -> RelayContext:
        """Shared state; only after `start`."""
        assert self._context is not None
        return self._context

    async def start(self) -> None:
        """Bind first, then open keys and spool, load the catalogue, accept.

        Raises:
            StartError: one clear sentence.
        """
        source = self._source
        try:
            listen, target = parse_address(source.listen), parse_address(source.target)
            front, behind = self._front(), self._behind()
            if source.side_dsn:
                side = parse_side_dsn(source.side_dsn, os.environ.get("QUIVIVE_SIDE_PASSWORD", ""))
                self._side = SideConnection(side, behind)
        except QuiviveError as error:
            raise StartError(f"{error}") from error
        listener = _bind(listen, shared=source.workers > 1)
        try:
            keys = load_relay_keys(self._home / "run" / "relay" / f"{self._name}.json")
            writer = SpoolWriter.open(self._home / "spool", self._spool_name, now_us())
        except StorageError as error:
            listener.close()
            raise StartError(str(error)) from error
        listener.listen(BACKLOG)  # who comes while the catalogue is read waits, and is not refused
        self._spool = AsyncSpool(writer, inline=source.mode is CaptureMode.STRICT)
        self._policy.refresh()
        describer = Describer(self._side) if self._side is not None else None
        context = self._context = RelayContext(
            facts=self._facts(),
            keys=keys,
            spool=self._spool,
            epoch=writer.epoch,
            clock=_clock,
            snapshot=CatalogueSnapshot(declared=self._controller.catalogue, relations={}),
            policy=self._policy.current,
            side=describer,
            reload=self._load if self._side is not None else None,
        )
        self._tell_instructions()
        previous = writer.previous
        if previous is not None and not previous.clean:
            context.gap(previous.last_captured_at, now_us(), GapCause.SOURCE_KILLED, -1)
        refreshing = context.refresh()
        if refreshing is not None:
            await refreshing
        self._timers = [asyncio.ensure_future(self._each_second()), asyncio.ensure_future(self._heartbeats())]
        await self._listen(listener, listen, Target(target, behind), front)

    def _facts(self) -> SourceFacts:
        source = self._source
        return SourceFacts(
            name=self._name,
            controller=source.controller,
            region=self._controller.default_region,
            mode=source.mode,
            closed=source.on_failure == "closed" and self._policy.current.closed,
            grade=source.grade,
            attribution=AttributionSettings(
                namespace=source.namespace,
                agent_variable=source.agent_variable,
                contact_variable=source.contact_variable,
                application_name_is_agent=source.application_name_is_agent,
                account_is_agent=source.account_is_agent,
                comment_agent_key=source.comment_agent_key,
                comment_contact_key=source.comment_contact_key,
                service_accounts=source.service_accounts,
                programs=Programs(source.programs),
            ),
            zones=self._zones,
            max_records=source.max_records_per_result,
            limited=bool(source.max_records_per_result or self._controller.max_records_per_agent_hour),
        )

    def _tell_instructions(self) -> None:
        """Say in one line each what is configured and waits for the controller's recorded instruction (DESIGN §6)."""
        facts, policy = self.context.facts, self._policy.current
        if self._source.on_failure == "closed" and not policy.closed:
            line = f'on_failure = "closed" waits for the recorded instruction of {facts.controller}; "open" until then'
            sys.stderr.write(f"quivive relay {self._name}: {said(line)}\n")
        if facts.limited and not policy.limits:
            line = f"limits wait for the recorded instruction of {facts.controller}; none until then"
            sys.stderr.write(f"quivive relay {self._name}: {said(line)}\n")

    def _front(self) -> Front:
        source, logins = self._source, self._logins
        if logins is not None:
            logins.load()
        if not source.tls_certificate:
            return Front(logins=logins)
        certificate, key = self._home / source.tls_certificate, self._home / (source.tls_key or source.tls_certificate)
        context = server_context(certificate, key)
        binding = front_binding(certificate) if logins is not None else b""
        return Front(tls=context, tls_only=source.tls_only, binding=binding, logins=logins)

    def _behind(self) -> ssl.SSLContext | None:
        source = self._source
        if source.target_tls == "off":
            return None
        authority = self._home / source.target_ca if source.target_ca else None
        return client_context(authority, verify=source.target_tls == "verify")

    async def _listen(self, listener: socket.socket, listen: Address, target: Target, front: Front) -> None:
        def accept() -> asyncio.Protocol:
            relayed = Relayed(self.context, target, self._connections.discard, front)
            self._connections.add(relayed)
            return relayed.client

        loop = asyncio.get_running_loop()
        if listen.path:
            self._server = await loop.create_unix_server(accept, sock=listener, backlog=BACKLOG)
        else:
            self.port = listener.getsockname()[1]
            self._server = await loop.create_server(accept, sock=listener, backlog=BACKLOG)
        log.info("relay.listening", source=self._spool_name, port=self.port)

    async def _load(self) -> CatalogueSnapshot | None:
        assert self._side is not None
        try:
            return await load_snapshot(self._side, self._controller.catalogue)
        except SideError as error:
            log.warning("relay.catalogue_unread", source=self._name, reason=str(error))
            return None

    async def _each_second(self) -> None:
        while True:
            await asyncio.sleep(POLICY_PERIOD_S)
            context = self.context
            if self._policy.refresh():
                context.policy = self._policy.current
                context.facts = self._facts()
            if self._policy.problem:
                log.warning("relay.policy_refused", source=self._name, reason=self._policy.problem)
            if self._logins is not None:
                self._logins.refresh()
                if self._logins.problem:
                    log.warning("relay.logins_refused", source=self._name, reason=self._logins.problem)
            context.settle_losses()
            before = now_us() - BORN_AFTER_US
            for relayed in list(self._connections):
                relayed.long_running(before)
            if not context.snapshot.relations:
                context.refresh()  # the database was not there at the start

    async def _heartbeats(self) -> None:
        while True:
            self._heartbeat()
            await asyncio.sleep(self._source.heartbeat_s)

    def _heartbeat(self) -> None:
        context = self.context
        context.flush_counts()
        context.append(EntryKind.HEARTBEAT, encode_body(HeartbeatBody(complete_to=now_us())))

    def hurry(self) -> None:
        """End without waiting for sessions any longer: the second SIGTERM."""
        self._hurry = True

    async def stop(self) -> int:
        """Stop accepting, let sessions end for `drain_s` at most, make everything durable."""
        if self._server is not None:
            self._server.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._source.drain_s
        while self._connections and loop.time() < until and not self._hurry:
            for relayed in list(self._connections):
                relayed.drain(loop.time())
            await asyncio.sleep(DRAIN_PAUSE_S)
        for relayed in list(self._connections):
            relayed.dismiss()
        await asyncio.sleep(0)
        for timer in self._timers:
            timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await timer
        await self.context.quiesce()
        for _ in range(STOP_TURNS):
            if not self._connections:
                break
            await asyncio.sleep(0.01)
        self._heartbeat()
        if self._side is not None:
            await self._side.close()
        assert self._spool is not None
        try:
            await self._spool.close()
        except StorageError as error:
            sys.stderr.write(f"quivive relay {self._name}: {said(error)}\n")
            return 1
        return 0


def _clock() -> int:
    """Microseconds UTC, for the hot path."""
    return time.time_ns() // 1_000


def _bind(address: Address, *, shared: bool) -> socket.socket:
    """Bind the listening socket; `shared`: the kernel spreads connections over the workers bound to the same port.

    Raises:
        StartError: the address is taken or not ours.
    """
    if address.path:
        path = Path(address.path)
        listener = socket.socket(socket.AF_UNIX)
        try:
            if path.is_socket() and not _answers(path):
                path.unlink()
            listener.bind(address.path)
        except OSError as error:
            listener.close()
            raise StartError(f"cannot listen on {address.path}: {error.strerror}") from error
        return listener
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise StartError(f"cannot listen on {address.host}:{address.port}: {error.strerror}") from error
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
