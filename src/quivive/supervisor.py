"""`quivive serve`: the core and the relays as child processes, restarted when they die (DESIGN §3).

Called by the commands. Must never touch customer traffic, the ledger or the projection itself, and must
never hide a death: each is one line on standard error, and the relay's next start writes the gap.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from quivive.core.control import core_socket
from quivive.model.ids import worker_name
from quivive.settings import Settings, SourceKind

RESTART_DELAY_MIN_S: Final = 0.1  # a killed relay is back within a second of its own (issue 4)
RESTART_DELAY_MAX_S: Final = 15.0
STABLE_AFTER_S: Final = 30.0  # a child that lived so long starts again after the least delay
RELAY_STABLE_AFTER_S: Final = 2.0  # a relay that has served is wanted back: no delay where a spare waits
SPARE_PERIOD_S: Final = 1.0
SPARE_ROOM: Final = "." * 64  # last argument of a spare: room in its command line for the name of the relay it becomes
SPARE_AFTER_S: Final = 2.0  # a new spare waits until what was just started has had the machine to itself
CORE_READY_S_MAX: Final = 60.0
STOP_S_MAX: Final = 20.0  # then a child is killed; sessions of a relay have had their `drain_s` before
EXIT_CONFIGURATION: Final = 2
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


@dataclass(slots=True)
class Child:
    """One supervised process: `arguments` follow `quivive --home …`."""

    name: str
    arguments: tuple[str, ...]
    order: bytes = b""
    """What makes a spare this child; empty: no spare can be it."""
    drain_s: int = 0
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    started_at: float = field(default=0.0)


class Supervisor:
    """Runs children until told to stop. One instance per `serve`; all methods on one event loop."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self._home = settings.home
        self._tell = tell
        self._stopping = asyncio.Event()
        self._core = Child(name="core", arguments=("core",))
        self._relays = [
            Child(
                name=f"relay {worker_name(name, worker)}",
                arguments=_relay(name, worker),
                order=f"{name}\t{worker}\n".encode(),
                drain_s=source.drain_s,
            )
            for name, source in settings.sources.items()
            if source.kind is SourceKind.POSTGRES
            for worker in range(1, source.workers + 1)
        ]
        if any(source.kind is SourceKind.GATE for source in settings.sources.values()):
            self._relays.append(Child(name="gate", arguments=("gate",)))
        self._spare: asyncio.subprocess.Process | None = None
        self.exit_code = 0

    def stop(self) -> None:
        """Ask for an orderly end: relays first, then the core, so that their last records are taken in.

        Asked again, sessions of relays are waited for no longer.
        """
        if self._stopping.is_set():
            for child in self._relays:
                if child.process is not None and child.process.returncode is None:
                    child.process.send_signal(signal.SIGTERM)
        self._stopping.set()

    async def run(self) -> int:
        """Run until stopped; the exit code is 0, or that of a child that can never start (2)."""
        core = asyncio.create_task(self._keep(self._core))
        await self._wait_for_core()
        relays = [asyncio.create_task(self._keep(child)) for child in self._relays]
        spare = asyncio.create_task(self._keep_spare()) if self._relays else None
        await self._stopping.wait()
        if spare is not None:
            await spare
        await asyncio.gather(*(self._end(child) for child in self._relays))
        await asyncio.gather(*relays)
        await self._end(self._core)
        await core
        return self.exit_code

    async def _keep(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        delay = RESTART_DELAY_MIN_S
        while not self._stopping.is_set():
            child.started_at = loop.time()
            try:
                child.process = self._take_spare(child) or await self._start(*child.arguments)
            except OSError as error:  # no process or memory left: it may come back
                self._tell(f"{child.name}: did not start: {error.strerror}; trying again in {delay:.1f} s")
                await self._pause(delay)
                delay = min(delay * 2, RESTART_DELAY_MAX_S)
                continue
            if self._stopping.is_set():  # the stop came while the process was being made, and has not seen it
                await self._end(child)
                return
            code = await child.process.wait()
            if self._stopping.is_set():
                return
            if code == EXIT_CONFIGURATION:
                self._tell(f"{child.name}: cannot start; see the line above")
                self.exit_code = EXIT_CONFIGURATION
                self.stop()
                return
            stable = loop.time() - child.started_at > (RELAY_STABLE_AFTER_S if child.order else STABLE_AFTER_S)
            delay = RESTART_DELAY_MIN_S if stable else delay
            pause = 0.0 if stable and self._spare is not None and child.order else delay
            child.restarts += 1
            self._tell(f"{child.name}: ended with {code}; starting again in {pause:.1f} s")
            if pause:
                await self._pause(pause)
            delay = min(delay * 2, RESTART_DELAY_MAX_S)

    async def _start(self, *arguments: str, stdin: int | None = None) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "quivive",
            "--home",
            os.fspath(self._home),
            *arguments,
            stdin=stdin,
            preexec_fn=end_with_parent(signal.SIGTERM),
        )

    async def _keep_spare(self) -> None:
        """Keep one process that has imported everything and waits to be a relay."""
        pause = SPARE_AFTER_S
        while not self._stopping.is_set():
            await self._pause(pause)
            if self._stopping.is_set():
                return
            try:
                process = self._spare = await self._start("spare", SPARE_ROOM, stdin=asyncio.subprocess.PIPE)
            except OSError:  # relays start without one, and tell when they cannot
                pause = RESTART_DELAY_MAX_S
                continue
            while self._spare is process and process.returncode is None and not self._stopping.is_set():
                await self._pause(SPARE_PERIOD_S)
            if self._spare is not process:  # it became a relay
                pause = SPARE_AFTER_S
                continue
            self._spare, pause = None, RESTART_DELAY_MAX_S  # it died by itself: relays start without one
            if process.returncode is None:
                process.terminate()
                await process.wait()

    def _take_spare(self, child: Child) -> asyncio.subprocess.Process | None:
        """The spare as this child, None when there is none."""
        process = self._spare
        if process is None or process.returncode is not None or process.stdin is None or not child.order:
            return None
        self._spare = None
        process.stdin.write(child.order)
        process.stdin.close()
        return process

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _wait_for_core(self) -> None:
        """Relays need their keys and policy, which the core writes before its socket answers."""
        loop = asyncio.get_running_loop()
        until = loop.time() + CORE_READY_S_MAX
        socket = core_socket(self._home)
        while loop.time() < until and not self._stopping.is_set():
            try:
                _, writer = await asyncio.open_unix_connection(socket)
            except OSError:
                await self._pause(0.05)
                continue
            writer.close()
            return
        if not self._stopping.is_set():
            self._tell("core: not ready yet; relays start without it and keep their traces in the spool")

    async def _end(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_S_MAX + child.drain_s)
        except TimeoutError:
            self._tell(f"{child.name}: did not end in {STOP_S_MAX + child.drain_s:.0f} s; killed")
            process.kill()
            await process.wait()


def _relay(name: str, worker: int) -> tuple[str, ...]:
    return ("relay", name) if worker == 1 else ("relay", name, "--worker", str(worker))


def end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Make a child's first act: ask Linux for a signal when the thread that started it is gone (kill -9 included)."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(_PR_SET_PDEATHSIG, number)

    return ask


async def serve(settings: Settings, tell: Callable[[str], None]) -> int:
    """Run the supervisor until SIGTERM or SIGINT."""
    supervisor = Supervisor(settings, tell)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    return await supervisor.run()
