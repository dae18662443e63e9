"""The core process from start to stop (DESIGN §3): opens every part in order, serves, closes in reverse.

Called by `quivive core`. Must never start half: what cannot be opened ends the process with one clear
sentence and an exit code.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
import uvicorn

from quivive.addresses import parse_address
from quivive.capture.access_file import AccessFileFollower
from quivive.connectors.sources import carriers, graded
from quivive.core.anchoring import Anchoring
from quivive.core.audio_desk import AudioDesk
from quivive.core.commands import commands
from quivive.core.compose import Parts, services
from quivive.core.control import ControlServer, core_socket
from quivive.core.identity_room import open_identity
from quivive.core.limits import AgentLimits
from quivive.core.notifier import Notifier
from quivive.core.pipeline import Pipeline
from quivive.core.policies import MAX_READ_ENTRIES, PolicyKeeper
from quivive.core.recording_desk import address_of, open_desk
from quivive.core.recording_keeper import RecordingKeeper
from quivive.core.retention_room import refuse_ended
from quivive.core.rooms import Base, Rooms, open_rooms
from quivive.core.story import remove_leftovers
from quivive.core.writers import CoreWriter
from quivive.detection.judge import ControllerJudging, JudgeSettings
from quivive.intake import Intake
from quivive.language import said
from quivive.ledger.log import Ledger
from quivive.model.clock import now_us
from quivive.model.entry import ActBody, EntryKind
from quivive.model.errors import ConfigurationError, StorageError
from quivive.model.ids import OPERATOR
from quivive.policy import controllers_of
from quivive.privacy.keyring import Keyring
from quivive.projection.projection import Projection
from quivive.recordings.gate.run import exported
from quivive.settings import Settings, SourceKind
from quivive.spool.group import AsyncSpool
from quivive.spool.writer import SpoolWriter
from quivive.vault import Vault
from quivive.web.app import create_app

EXIT_FAILED: Final = 1
EXIT_CONFIGURATION: Final = 2
CONSOLE_SOURCE: Final = "console"
WEB_STOP_S: Final = 3

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
log = structlog.get_logger("quivive.core")


def run_core(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    try:
        listener = _listen(settings)
        return asyncio.run(_Core(settings, listener).run())
    except ConfigurationError as error:
        print(f"quivive core: {said(error)}", file=sys.stderr)  # noqa: T201 - the one sentence for the person
        return EXIT_CONFIGURATION
    except StorageError as error:
        print(f"quivive core: {said(error)}", file=sys.stderr)  # noqa: T201
        return EXIT_FAILED


def _listen(settings: Settings) -> socket.socket:
    """Take the console's port before anything is opened.

    Raises:
        ConfigurationError: the port is taken or the address is not ours.
    """
    address = parse_address(settings.operator.web_listen, "operator.web_listen")
    if isinstance(address, str):
        raise ConfigurationError(
            file="quivive.toml", key="operator.web_listen", expected="host:port", found="a Unix socket"
        )
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        raise ConfigurationError(
            file="quivive.toml",
            key="operator.web_listen",
            expected="a free address of this machine",
            found=f"{settings.operator.web_listen} ({error.strerror})",
        ) from None
    return listener


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the core decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


class _Core:
    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings, self._listener = settings, listener
        self._stopping = asyncio.Event()
        self._judge_settings = _judge_settings(settings)

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        async with self._opened() as parts, contextlib.AsyncExitStack() as stack:
            app = create_app(services(parts))
            config = uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=WEB_STOP_S
            )
            server = _Server(config)
            web = asyncio.create_task(server.serve(sockets=[self._listener]))
            handlers, streams = commands(parts, self._writer, self._judge_settings)
            control = ControlServer(core_socket(self._settings.home), handlers, streams)
            await control.start()
            stack.push_async_callback(control.stop)
            followers = {asyncio.create_task(follower) for follower in self._followers(parts)}
            for follower in followers:
                stack.callback(follower.cancel)
            log.info("core.started", web=self._settings.operator.web_listen)
            failed = asyncio.create_task(self._watch(parts.pipeline))
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({failed, stopping, web, *followers}, return_when=asyncio.FIRST_COMPLETED)
            code = 0 if self._stopping.is_set() else EXIT_FAILED
            failed.cancel()
            stopping.cancel()
            server.should_exit = True
            await web
        log.info("core.stopped", code=code)
        return code

    async def _watch(self, pipeline: Pipeline) -> None:
        while not pipeline.failed.is_set():
            await asyncio.sleep(0.2)

    def _followers(self, parts: Parts) -> list[Any]:
        intake = parts.intake
        carried = [carrier() for carrier in carriers(self._settings, intake)]
        limits = AgentLimits(self._settings, parts.projection, parts.policies, parts.clock)
        if limits.any:
            carried.append(limits.run())
        if parts.desk is not None:
            carried.append(Notifier(self._settings, parts.desk, address_of(parts.keyring, parts.vault)).run())
        return carried + [
            AccessFileFollower(self._settings.home, name, source, intake).run()
            for name, source in self._settings.sources.items()
            if source.kind is SourceKind.ACCESS_FILE
        ]

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[Parts]:
        """Open in the order of the street, close in reverse; whatever was opened is closed on any error."""
        settings = graded(self._settings)
        with contextlib.ExitStack() as stack:
            base = _open_base(stack, settings, self._judge_settings)
            self._writer = base.writer
            console = AsyncSpool(SpoolWriter.open(settings.home / "spool", CONSOLE_SOURCE, now_us()))
            intake = Intake.open(
                settings, base.keyring, policies=base.policies.current, seal=base.vault.put_identity, clock=now_us
            )
            _write_configuration(settings, base.writer)
            rooms = open_rooms(stack, base)
            try:
                yield _parts(base, rooms, intake, console)
            finally:
                await intake.close()
                await console.close()


def _open_base(stack: contextlib.ExitStack, settings: Settings, judge_settings: JudgeSettings) -> Base:
    """Open what every room stands on: keys, vault, ledger, projection, policies; nothing runs yet."""
    home = settings.home
    remove_leftovers(home)
    refuse_ended(home, settings)
    keyring = _open_keyring(home, settings)
    vault = Vault.open(home / "vault.db")
    stack.callback(vault.close)
    ledger = Ledger.open(home, keyring, settings.slots, settings.operator.origin)
    stack.callback(ledger.close)
    anchoring = Anchoring(home=home, settings=settings, ledger=ledger, clock=now_us)
    anchoring.look()
    projection = Projection.open(home / "projection")
    stack.callback(projection.close)
    writer = CoreWriter(home, now_us)
    stack.callback(writer.close)
    recordings = RecordingKeeper(home, now_us)
    recordings.load(projection)
    policies = PolicyKeeper(settings, now_us, beside=(recordings,))
    _load_policies(policies, ledger)
    return Base(
        settings=settings,
        keyring=keyring,
        vault=vault,
        ledger=ledger,
        anchoring=anchoring,
        projection=projection,
        writer=writer,
        recordings=recordings,
        policies=policies,
        pipeline=Pipeline(
            home=home,
            ledger=ledger,
            projection=projection,
            writer=writer,
            judge_settings=judge_settings,
            clock=now_us,
            policies=policies,
        ),
        clock=now_us,
    )


def _parts(base: Base, rooms: Rooms, intake: Intake, console: AsyncSpool) -> Parts:
    record_entry = _entry_recorder(console)
    register = base.recordings.register
    stores = bool(rooms.audio.stores)
    return Parts(
        settings=base.settings,
        keyring=base.keyring,
        vault=base.vault,
        ledger=base.ledger,
        projection=base.projection,
        pipeline=base.pipeline,
        intake=intake,
        policies=base.policies,
        record_act=_act_recorder(console),
        record_entry=record_entry,
        rules=lambda: rooms.rules,
        clock=now_us,
        desk=open_desk(base.settings, base.keyring, base.vault, register, base.projection, record_entry, now_us),
        audio=rooms.audio,
        retention=rooms.retention,
        rounds=rooms.rounds,
        audio_desk=AudioDesk(rooms.audio, base.writer, now_us) if stores else None,
        playbacks=rooms.playbacks if stores else None,
        identity=open_identity(base.settings, base.keyring, base.vault),
    )


def _open_keyring(home: Path, settings: Settings) -> Keyring:
    keyring = Keyring.open(home) if (home / "keys").exists() else Keyring.create(home)
    for controller in (OPERATOR, *settings.controllers):
        keyring.ensure_controller(controller)
    for name, source in settings.sources.items():
        if source.kind is SourceKind.POSTGRES:
            keyring.export_relay(name, source.controller)
        elif source.kind is SourceKind.GATE:
            for controller in sorted(controllers_of(settings, name)):
                keyring.export_relay(exported(name, controller), controller)
    return keyring


def _load_policies(policies: PolicyKeeper, ledger: Ledger) -> None:
    """Read the operator's log once: the projection may already be ahead of it."""
    marks = {shard: ledger.head(shard).entries for shard in ledger.shards() if not shard.startswith("operator/")}
    while batch := ledger.read(marks, MAX_READ_ENTRIES):
        policies.take(batch)
        marks.update((item.shard, item.index + item.count) for item in batch)
    policies.refresh()


def _entry_recorder(console: AsyncSpool) -> Callable[[EntryKind, str, Any], Awaitable[None]]:
    async def record(kind: EntryKind, controller: str, body: Any) -> None:
        seq = console.append(
            kind=kind, captured_at=now_us(), controller=controller, key_id="", body=_ENCODER.encode(body)
        )
        await console.durable(seq)

    return record


def _act_recorder(console: AsyncSpool) -> Callable[[ActBody], Awaitable[None]]:
    record_entry = _entry_recorder(console)

    async def record(body: ActBody) -> None:
        await record_entry(EntryKind.ACT, OPERATOR, body)

    return record


def _judge_settings(settings: Settings) -> JudgeSettings:
    return JudgeSettings(
        controllers={
            controller.id: ControllerJudging(
                contact_sources=controller.contact_sources,
                lateness_s=controller.lateness_s,
                silent_after_s=max(
                    (settings.sources[name].silent_after_s for name in controller.contact_sources), default=120
                ),
            )
            for controller in settings.controllers.values()
        }
    )


def _write_configuration(settings: Settings, writer: CoreWriter) -> None:
    """Seal the effective configuration and each catalogue at each start (DESIGN §3). No secret, no DSN."""
    sources = {
        name: {
            "kind": source.kind,
            "controller": source.controller,
            "namespace": source.namespace,
            "mode": source.mode,
            "on_failure": source.on_failure,
            "grade": source.grade,
            "mapping": source.mapping,
            "keep_unknown": source.keep_unknown,
            "max_records_per_result": source.max_records_per_result,
            "programs": source.programs,
            "reconcile_with": source.reconcile_with,
        }
        for name, source in settings.sources.items()
    }
    writer.write(
        EntryKind.CONFIGURATION,
        {
            "operator": settings.operator.name,
            "demonstration": settings.operator.demonstration,
            "sources": sources,
            "zones": {
                name: {"cidrs": zone.cidrs, "site": zone.site, "country": zone.country}
                for name, zone in settings.zones.items()
            },
            "controllers": {
                c.id: {
                    "slot": c.slot,
                    "retention_days": c.retention_days,
                    "lateness_s": c.lateness_s,
                    "max_records_per_agent_hour": c.max_records_per_agent_hour,
                    "contact_sources": c.contact_sources,
                    "sensitive": c.sensitive,
                }
                for c in settings.controllers.values()
            },
        },
    )
    for controller in settings.controllers.values():
        writer.write(EntryKind.CATALOGUE_VERSION, controller.catalogue, controller=controller.id)
