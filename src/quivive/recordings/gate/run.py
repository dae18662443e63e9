"""`quivive gate`: the process that exchanges ask before they record or let listen (DESIGN §3, §10).

Called by the commands and the supervisor; one process for every source of kind `gate`. Must never import the ledger,
DuckDB or the web, nor stop answering because the core is down: it answers from its last policy until that is too old,
then it says no. Exit codes: 0 stopped on request; 2 cannot start as configured; 1 a spool did not close cleanly.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

import structlog
import uvloop

from quivive.addresses import parse_address
from quivive.language import said
from quivive.model.access import GapBody, GapCause
from quivive.model.clock import now_us
from quivive.model.errors import QuiviveError, StorageError
from quivive.policy import controllers_of
from quivive.privacy.keyring import load_relay_keys
from quivive.recordings.gate.asking import Space
from quivive.recordings.gate.calls import CallBook
from quivive.recordings.gate.exchange import Exchange
from quivive.recordings.gate.lent import NOTHING_LENT, decode_lent
from quivive.recordings.gate.server import GateConnection
from quivive.recordings.policy import NOTHING, decode_policy
from quivive.settings import Settings, SourceKind, SourceSettings
from quivive.spool.group import AsyncSpool
from quivive.spool.writer import SpoolWriter

EXIT_CONFIGURATION: Final = 2
LOOK_S: Final = 1.0
"""Seconds between two looks at what the core wrote."""
BACKLOG: Final = 512
POLICY_FILE: Final = "gate.json"
LENT_FILE: Final = "gate-lent.json"
T = TypeVar("T")
log = structlog.get_logger("quivive.gate")


class StartError(QuiviveError):
    """The gate cannot start; the text is one clear sentence."""


def run_gate(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(settings))
    except StartError as error:
        sys.stderr.write(f"quivive gate: {said(error)}\n")
        return EXIT_CONFIGURATION


async def _run(settings: Settings) -> int:
    gate = Gate(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await gate.start()
    await stop.wait()
    return await gate.stop()


class Followed(Generic[T]):
    """A file of the core, read again when it changed; `fallback` while it is missing or damaged."""

    def __init__(self, path: Path, decode: Callable[[bytes], T], fallback: T) -> None:
        self._path, self._decode, self._fallback = path, decode, fallback
        self._stamp: tuple[int, int, int] | None = None
        self.current = fallback

    def refresh(self) -> bool:
        """Look; True when `current` is another one now."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp:
                return False
            found = self._decode(self._path.read_bytes())
        except FileNotFoundError:
            stamp, found = (0, 0, 0), self._fallback
        except OSError as error:
            stamp, found = (0, 0, 0), self._fallback
            log.warning("gate.policy_unreadable", file=self._path.name, reason=error.strerror)
        except StorageError as error:
            found = self._fallback
            log.warning("gate.policy_refused", file=self._path.name, reason=str(error))
        changed = stamp != self._stamp
        self._stamp, self.current = stamp, found
        return changed


class Gate:
    """A running gate. Tests use it without a process."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = now_us) -> None:
        self._settings, self._clock = settings, clock
        self._sources = {name: s for name, s in settings.sources.items() if s.kind is SourceKind.GATE}
        run = settings.home / "run"
        self._policy = Followed(run / POLICY_FILE, decode_policy, NOTHING)
        self._lent = Followed(run / LENT_FILE, decode_lent, NOTHING_LENT)
        self._servers: list[asyncio.Server] = []
        self._timers: list[asyncio.Task[None]] = []
        self._connections: set[GateConnection] = set()
        self.exchanges: dict[str, Exchange] = {}
        self.ports: dict[str, int] = {}
        """Bound ports, for tests that listen on port 0."""

    async def start(self) -> None:
        """Bind first, then open keys and spools, then answer.

        Raises:
            StartError: one clear sentence.
        """
        if not self._sources:
            raise StartError("quivive.toml names no source of kind gate")
        listeners = {name: _bind(source, f"sources.{name}.listen") for name, source in self._sources.items()}
        for name, source in self._sources.items():
            try:
                self.exchanges[name] = self._open(name, source)
            except StorageError as error:
                raise StartError(str(error)) from error
        self._look()
        for name, listener in listeners.items():
            await self._listen(name, listener)
        self._timers = [asyncio.create_task(self._each_second()), asyncio.create_task(self._heartbeats())]

    def _open(self, name: str, source: SourceSettings) -> Exchange:
        home, now = self._settings.home, self._clock()
        served = sorted(controllers_of(self._settings, name))
        keys = {each: load_relay_keys(home / "run" / "relay" / f"{exported(name, each)}.json") for each in served}
        queues = (source.telephony.controllers if source.telephony else None) or {}
        space = Space(
            namespace=source.namespace, keys=keys, queues=queues, default=served[0] if len(served) == 1 else ""
        )
        writer = SpoolWriter.open(home / "spool", name, now)
        book = CallBook.open(home / "run" / "gate" / f"{name}.marks", now)
        exchange = Exchange(name, space, AsyncSpool(writer), book, self._clock)
        previous = writer.previous
        if previous is not None and not previous.clean:
            exchange.gap(GapBody(from_at=previous.last_captured_at, to_at=now, cause=GapCause.SOURCE_KILLED, lost=-1))
        return exchange

    async def _listen(self, name: str, listener: socket.socket) -> None:
        exchange, loop = self.exchanges[name], asyncio.get_running_loop()

        def accept() -> asyncio.Protocol:
            return GateConnection(exchange, self._connections)

        if listener.family == socket.AF_UNIX:
            server = await loop.create_unix_server(accept, sock=listener, backlog=BACKLOG)
        else:
            self.ports[name] = listener.getsockname()[1]
            server = await loop.create_server(accept, sock=listener, backlog=BACKLOG)
        self._servers.append(server)
        log.info("gate.listening", source=name, port=self.ports.get(name, 0))

    def _look(self) -> None:
        changed = (self._policy.refresh(), self._lent.refresh())
        if any(changed):
            for exchange in self.exchanges.values():
                exchange.policy, exchange.lent = self._policy.current, self._lent.current

    async def _each_second(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_S)
            self._look()
            now = self._clock()
            for exchange in self.exchanges.values():
                exchange.each_second(now)
            for connection in list(self._connections):
                connection.end_if_idle(loop.time())

    async def _heartbeats(self) -> None:
        period = min(source.heartbeat_s for source in self._sources.values())
        while True:
            for exchange in self.exchanges.values():
                exchange.beat(self._clock())
            await asyncio.sleep(period)

    async def stop(self) -> int:
        """Stop taking questions, make everything durable."""
        for server in self._servers:
            server.close()
        for timer in self._timers:
            timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await timer
        for connection in list(self._connections):
            connection.dismiss()
        await asyncio.sleep(0)
        code = 0
        for name, exchange in self.exchanges.items():
            try:
                await exchange.close(self._clock())
            except StorageError as error:
                sys.stderr.write(f"quivive gate {name}: {said(error)}\n")
                code = 1
        return code


def exported(source: str, controller: str) -> str:
    """Name under which the core exports a controller's keys to an exchange's gate."""
    return f"{source}.{controller}"


def _bind(source: SourceSettings, key: str) -> socket.socket:
    """Take the address before anything is opened.

    Raises:
        StartError: it is taken or not ours.
    """
    address = parse_address(source.listen, key)
    if isinstance(address, str):
        path = Path(address)
        listener = socket.socket(socket.AF_UNIX)
        try:
            if path.is_socket() and not _answers(path):
                path.unlink()
            listener.bind(address)
        except OSError as error:
            listener.close()
            raise StartError(f"cannot listen on {address}: {error.strerror}") from error
        return listener
    host, port = address
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
