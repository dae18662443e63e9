"""Tells others' systems: one thread reads what is new, one a receiver sends what waits (docs/outputs.md).

Opened by `core.rooms`. Alerts and incidents come through the named queries, so that the gate decides; accesses follow
the ledger, and lose agent, records and session before they are kept. Must never hold up the street: a receiver that is
away costs rows of `outbox.db` and nothing else.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import structlog

from quivive import __version__
from quivive.ledger.entry import decode_entry
from quivive.ledger.log import Ledger
from quivive.model.access import AccessBody, AttributionSource
from quivive.model.clock import DAY_US
from quivive.model.entry import Entry, EntryKind
from quivive.model.errors import StorageError
from quivive.model.ids import OPERATOR
from quivive.output_settings import OutputKind, OutputSettings, Told
from quivive.outputs.cef import cef_of_access, cef_of_news, syslog_frame
from quivive.outputs.news import News, NewsKind, ToldAccess
from quivive.outputs.ocsf import ocsf_line
from quivive.outputs.outbox import Outbox, Waiting
from quivive.outputs.webhook import TIMEOUT_S, DeliveryError, RefusedTargetError, deliver, headers, payload
from quivive.projection.projection import Projection, ProjectionUnavailableError
from quivive.projection.query import Scope
from quivive.settings import Settings

LOOK_EVERY_S: Final = 2.0
LOOK_BACK_US: Final = 2 * DAY_US
"""Alerts and incidents of so long ago are looked at again each time; the outbox knows which were told."""
MAX_ENTRIES_A_LOOK: Final = 2_000
MAX_SENT_A_LOOK: Final = 500
MAX_NEWS: Final = 1_000
log = structlog.get_logger("quivive.core")


class Telling:
    """See the module's docstring. `start`, then `stop`."""

    def __init__(
        self, *, settings: Settings, projection: Projection, ledger: Ledger, clock: Callable[[], int],
        ready: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._settings, self._projection, self._ledger = settings, projection, ledger
        self._clock, self._ready = clock, ready
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(output,), name=f"tell-{output.name}", daemon=True)
            for output in settings.outputs
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def _run(self, output: OutputSettings) -> None:
        outbox = Outbox(self._settings.home / "outbox.db")
        try:
            while not self._stopping.wait(LOOK_EVERY_S):
                try:
                    self.look(outbox, output)
                except (StorageError, ProjectionUnavailableError) as error:
                    log.warning("output.not_read", output=output.name, error=type(error).__name__)
                self.send(outbox, output)
        finally:
            outbox.close()

    # --- what is new

    def look(self, outbox: Outbox, output: OutputSettings) -> int:
        """Keep what an output has not been told; returns how much is new."""
        now, new = self._clock(), 0
        if output.told - {Told.ACCESSES} and self._ready():
            bodies = {news.key: self._encode(output, news) for news in self._news(output, now)}
            new += outbox.put(output.name, bodies, {}, now)
        if Told.ACCESSES in output.told:
            new += self._accesses(outbox, output, now)
        outbox.forget(now)
        return new

    def _news(self, output: OutputSettings, now: int) -> list[News]:
        scope = Scope(
            controllers=self._companies(output), from_at=now - LOOK_BACK_US, to_at=now + DAY_US, purpose="operation",
            principal="outputs",
        )  # fmt: skip
        found: list[News] = []
        if Told.ALERTS in output.told:
            params = {"state": None, "controller": None, "before_at": None, "before_alert": None, "limit": MAX_NEWS}
            found += map(_of_alert, self._projection.query(scope, "alerts", params))
        if Told.INCIDENTS in output.told:
            found += map(_of_incident, self._projection.query(scope, "incidents", {"limit": MAX_NEWS}))
        return sorted(found, key=lambda news: news.at)

    def _accesses(self, outbox: Outbox, output: OutputSettings, now: int) -> int:
        marks = outbox.marks(output.name)
        if not marks:  # a new output is told what comes, not the years before
            fresh = {shard: self._ledger.head(shard).entries for shard in self._ledger.shards()}
            return outbox.put(output.name, {}, fresh or {OPERATOR: 0}, now)
        companies, bodies = self._companies(output), dict[str, bytes]()
        for item in self._ledger.read(marks, MAX_ENTRIES_A_LOOK):
            marks[item.shard] = item.index + item.count
            if item.data and item.shard.partition("/")[0] in companies:
                entry = decode_entry(item.data)
                if entry.kind is EntryKind.ACCESS and (access := _of_access(entry)):
                    bodies[access.id] = self._encode_access(output, access)
        return outbox.put(output.name, bodies, marks, now)

    def _companies(self, output: OutputSettings) -> tuple[str, ...]:
        return output.controllers or tuple(self._settings.controllers)

    def _encode(self, output: OutputSettings, news: News) -> bytes:
        if output.kind is OutputKind.WEBHOOK:
            return payload(news)
        text = cef_of_news(news, __version__)
        return syslog_frame(text, at=news.at, severity=news.severity, host=socket.gethostname(), kind=news.kind)

    def _encode_access(self, output: OutputSettings, access: ToldAccess) -> bytes:
        if output.kind is OutputKind.OCSF:
            return ocsf_line(access, __version__)
        text = cef_of_access(access, __version__)
        return syslog_frame(text, at=access.at, severity="", host=socket.gethostname(), kind="access")

    # --- what waits

    def send(self, outbox: Outbox, output: OutputSettings) -> int:
        """Send what is due, in order; returns how much was accepted."""
        now = self._clock()
        due = outbox.due(output.name, now, MAX_SENT_A_LOOK)
        if not due:
            return 0
        told = self._post(outbox, output, due) if output.kind is OutputKind.WEBHOOK else self._stream(output, due)
        for message in told:
            outbox.accepted(message)
        for message in due[len(told) :][:1] if output.kind is not OutputKind.WEBHOOK else ():
            self._failed(outbox, output, message, now)
        return len(told)

    def _post(self, outbox: Outbox, output: OutputSettings, due: list[Waiting]) -> list[Waiting]:
        told = []
        for message in due:
            try:
                secret = (self._settings.home / output.secret_file).read_text(encoding="utf-8").strip()
                signed = headers(secret, _message_id(output, message), message.body, self._clock())
                deliver(
                    output.target, message.body, signed, private_networks=output.private_networks,
                    ca=self._ca(output),
                )  # fmt: skip
            except (DeliveryError, RefusedTargetError, OSError, ValueError) as error:
                log.warning("output.not_accepted", output=output.name, error=str(error), tries=message.tries + 1)
                self._failed(outbox, output, message, self._clock())
                break
            told.append(message)
        return told

    def _stream(self, output: OutputSettings, due: list[Waiting]) -> list[Waiting]:
        """Over one connection; whatever was written before it broke counts as told: syslog has no answer."""
        parts, told = urlsplit(output.target), list[Waiting]()
        try:
            with socket.create_connection((str(parts.hostname), int(parts.port or 0)), TIMEOUT_S) as plain:
                context = ssl.create_default_context(cafile=self._ca(output) or None) if parts.scheme == "tls" else None
                line = context.wrap_socket(plain, server_hostname=str(parts.hostname)) if context else plain
                for message in due:
                    line.sendall(message.body)
                    told.append(message)
                line.shutdown(socket.SHUT_WR)
        except OSError as error:
            log.warning("output.not_accepted", output=output.name, error=type(error).__name__)
        return told

    def _failed(self, outbox: Outbox, output: OutputSettings, message: Waiting, now: int) -> None:
        if outbox.failed(message, now):
            log.error("output.given_up", output=output.name)

    def _ca(self, output: OutputSettings) -> str:
        return str(self._settings.home / output.target_ca) if output.target_ca else ""


def _message_id(output: OutputSettings, message: Waiting) -> str:
    return f"msg_{output.name}_{message.id}"


def _of_alert(row: Mapping[str, Any]) -> News:
    opened = row["state"] == "open"
    return News(
        kind=NewsKind.ALERT_OPENED if opened else NewsKind.ALERT_CHANGED,
        id=f"{row['alert']}" if "alert" in row else _id(row, "alert"),
        at=int(row["opened_at"] if opened else row["changed_at"]),
        controller=str(row["controller"]),
        topic=str(row["topic"]),
        severity=str(row["severity"]),
        state=str(row["state"]),
    )


def _of_incident(row: Mapping[str, Any]) -> News:
    lasts = not row["to_at"]
    return News(
        kind=NewsKind.INCIDENT_OPENED if lasts else NewsKind.INCIDENT_CLOSED,
        id=f"{row['incident']}" if "incident" in row else _id(row, "incident"),
        at=int(row["from_at"] if lasts else row["to_at"]),
        controller=str(row["controller"]),
        topic=str(row["incident_kind"]),
        severity="medium",
        state="open" if lasts else "closed",
    )


def _id(row: Mapping[str, Any], name: str) -> str:
    return f"{int(row[f'{name}_hi']):016x}{int(row[f'{name}_lo']):016x}"


def _of_access(entry: Entry) -> ToldAccess | None:
    """The last part of an execution, without anybody in it; None for the parts before."""
    body = msgspec.convert(entry.body, AccessBody)
    if not body.final:
        return None
    return ToldAccess(
        id=entry.id,
        at=body.at,
        ended_at=body.ended_at or body.at,
        controller=entry.controller,
        source=entry.source,
        program=body.program,
        action=body.action,
        tables=body.tables,
        rows=body.rows,
        records=body.distinct,
        coverage=body.coverage.value,
        outcome=body.outcome.value,
        grade=body.grade.value,
        attributed=body.attribution is not AttributionSource.NONE,
    )


def outbox_counts(home: Path) -> dict[tuple[str, str], int]:
    """Messages by output and state, for metrics and the doctor; none without an outbox."""
    path = home / "outbox.db"
    if not path.is_file():
        return {}
    outbox = Outbox(path)
    try:
        return outbox.counts()
    finally:
        outbox.close()
