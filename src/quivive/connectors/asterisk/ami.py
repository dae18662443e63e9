"""The small client of Asterisk's manager interface: signs in, listens, comes back, and says when it was blind.

Run by the core, one per source of kind `ami`; docs/telephony.md. An edge: socket, clock and intake meet here, every
judgement is in `ami_protocol` and `ami_events`. Must never send an action that changes anything, nor log the secret,
nor claim completeness for a time in which it was not connected.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog

from quivive.connectors.asterisk.ami_events import AmiTranslator
from quivive.connectors.asterisk.ami_protocol import AmiParser, Message, action
from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.model import CanonicalRow, Record
from quivive.model.access import GapBody, GapCause
from quivive.model.clock import SECOND_US, Micros, now_us, to_rfc3339
from quivive.model.errors import RefusedError, StorageError
from quivive.spool.durable import write_atomic

EVENT_CLASSES: Final = "call,agent,user"
"""Classes asked for: channels and bridges, queues and their members, and what the recording pieces say of themselves
(docs/recording-gate.md). Neither variables nor dialplan."""
READ_BYTES: Final = 65_536
GATHER_S: Final = 0.25
"""Seconds events gather before their contacts are written: a call's twenty events then make about five rows."""
CONNECT_S: Final = 10.0
FIRST_WAIT_S: Final = 1.0
MAX_WAIT_S: Final = 30.0
"""First and longest wait before another attempt: a restarted switch is found within half a minute."""
DEAD_AFTER_BEATS: Final = 3
"""Heartbeats without any byte after which a connection counts as dead."""
MARGIN_US: Final = SECOND_US
"""Taken off what an answered ping proves: events that the switch had queued may still follow it."""

log = structlog.get_logger("quivive.ami")


class IntakePort(Protocol):
    """What the client needs of the intake."""

    async def take(self, *, kind: str, source: str, content_type: str, body: bytes) -> Any: ...

    async def record_gap(self, source: str, gap: GapBody) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiTarget:
    """Whom to call and as whom. `secret` comes by file or environment only."""

    host: str
    port: int
    user: str
    secret: str
    heartbeat_s: int = 5

    def __repr__(self) -> str:
        return f"AmiTarget({self.host}:{self.port})"


class AmiClient:
    """Listens to one switch for the life of the core; `run` ends only by cancellation."""

    def __init__(
        self,
        source: str,
        target: AmiTarget,
        settings: TelephonySettings,
        intake: IntakePort,
        state: Path,
        clock: Callable[[], int] = now_us,
        wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self._source, self._target, self._intake, self._clock = source, target, intake, clock
        self._translator = AmiTranslator(settings)
        self._state, self._first_wait_s = state, wait_s
        self._alive_at = _load(state)  # until when everything was heard; 0 on the first start
        self._events = 0
        self._dropped = 0

    async def run(self) -> None:
        """Stay connected; wait longer after each failure, up to half a minute."""
        wait = self._first_wait_s
        while True:
            signed_in = False
            try:
                async with asyncio.timeout(CONNECT_S):
                    session = await _Session.open(self._target)
            except (OSError, TimeoutError, RefusedError) as error:
                log.warning("ami.unreachable", source=self._source, reason=_reason(error))
            else:
                signed_in = True
                await self._stay(session)
            wait = self._first_wait_s if signed_in else min(wait * 2, MAX_WAIT_S)
            await asyncio.sleep(wait)

    async def _stay(self, session: "_Session") -> None:
        try:
            log.info("ami.signed_in", source=self._source, version=session.parser.banner)
            await self._seen_again()
            await self._listen(session)
        except (OSError, TimeoutError, StorageError) as error:
            log.warning("ami.lost", source=self._source, reason=_reason(error))
        finally:
            session.close()

    async def _seen_again(self) -> None:
        """Say from when to when nothing was heard."""
        now = self._clock()
        if self._alive_at and now > self._alive_at:
            await self._durably(self._gap(GapCause.CONNECTOR_DEAD, self._alive_at, now, -1))

    async def _listen(self, session: "_Session") -> None:
        """Read until the connection ends; events gather a moment before they are written."""
        beat_us = self._target.heartbeat_s * SECOND_US
        pinged_at, asked_at, heard_at = 0, 0, self._clock()
        messages, since = session.early, self._clock()
        while True:
            if self._clock() - pinged_at >= beat_us:
                pinged_at = self._clock()
                asked_at = asked_at or pinged_at
                await session.send("Ping", ActionID="beat")
            data = await session.read(GATHER_S)
            now = self._clock()
            if data is not None:
                heard_at, since = now, since if messages else now
                messages += session.parser.feed(data)
            elif now - heard_at > DEAD_AFTER_BEATS * beat_us:
                raise TimeoutError("no answer")
            if data and now - since < GATHER_S * SECOND_US:
                continue
            answered = any(message.get("ping") == "Pong" for message in messages)
            await self._write(messages, now)
            messages = []
            await self._told_dropped(session.parser, now)
            if answered and asked_at:
                await self._beat(asked_at - MARGIN_US)
                asked_at = 0
            if data == b"":
                raise ConnectionResetError("closed by the switch")

    async def _write(self, messages: list[Message], now: int) -> None:
        events = [message for message in messages if "event" in message]
        if not events:
            return
        records = [Record(number=self._events + place, fields=event) for place, event in enumerate(events, start=1)]
        self._events += len(events)
        rows: dict[str, list[bytes]] = {}
        for row in self._translator.feed(records, now):
            if isinstance(row, CanonicalRow):
                rows.setdefault(row.kind, []).append(msgspec.json.encode(row.value))
        for kind, lines in rows.items():
            await self._deliver(kind, b"\n".join(lines), now)

    async def _deliver(self, kind: str, body: bytes, now: int) -> None:
        """Write rows; a full disk is tried again, and meanwhile the socket fills."""
        report = await self._durably(
            lambda: self._intake.take(kind=kind, source=self._source, content_type="application/x-ndjson", body=body)
        )
        for row in report.refused:
            log.warning("ami.row_refused", source=self._source, field=row.field, expected=row.expected, found=row.found)
        if report.refused:
            await self._durably(self._gap(GapCause.CODEC, now, now, len(report.refused)))

    async def _told_dropped(self, parser: AmiParser, now: int) -> None:
        lost, self._dropped = parser.dropped - self._dropped, parser.dropped
        if lost > 0:
            await self._durably(self._gap(GapCause.CODEC, now, now, lost))

    async def _beat(self, at: int) -> None:
        body = msgspec.json.encode({"complete_to": to_rfc3339(Micros(at))})
        await self._durably(
            lambda: self._intake.take(
                kind="heartbeats", source=self._source, content_type="application/json", body=body
            )
        )
        self._alive_at = at
        await asyncio.to_thread(_save, self._state, at)

    def _gap(self, cause: GapCause, from_at: int, to_at: int, lost: int) -> Callable[[], Any]:
        gap = GapBody(from_at=from_at, to_at=to_at, cause=cause, lost=lost)
        return lambda: self._intake.record_gap(self._source, gap)

    async def _durably(self, act: Callable[[], Any]) -> Any:
        while True:
            try:
                return await act()
            except StorageError as error:
                log.warning("ami.not_durable", source=self._source, reason=str(error))
                await asyncio.sleep(FIRST_WAIT_S)


class _Session:
    """One signed-in connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self.parser = reader, writer, AmiParser()
        self._reading: asyncio.Task[bytes] | None = None
        self.early: list[Message] = []  # what came right behind the answer to the sign-in

    @classmethod
    async def open(cls, target: AmiTarget) -> "_Session":
        """Connect and sign in by challenge, so that the secret itself does not cross.

        Raises:
            OSError: no connection.
            RefusedError: the switch refused the challenge or the sign-in.
        """
        session = cls(*await asyncio.open_connection(target.host, target.port))
        try:
            await session.send("Challenge", AuthType="MD5", ActionID="challenge")
            challenge = (await session._answer("challenge")).get("challenge", "")
            key = md5(f"{challenge}{target.secret}".encode(), usedforsecurity=False).hexdigest()
            await session.send(
                "Login", AuthType="MD5", Username=target.user, Key=key, Events=EVENT_CLASSES, ActionID="login"
            )
            await session._answer("login")
            await session.send("CoreShowChannels", ActionID="under-way")
        except BaseException:
            session.close()
            raise
        return session

    async def send(self, name: str, **headers: str) -> None:
        """Send one action."""
        self._writer.write(action(name, **headers))
        await self._writer.drain()

    async def read(self, wait_s: float) -> bytes | None:
        """Read what has come; None when nothing came in time, b"" at the end. No byte is lost to the time-out."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._reader.read(READ_BYTES))
        done, _ = await asyncio.wait({self._reading}, timeout=wait_s)
        if not done:
            return None
        task, self._reading = self._reading, None
        return task.result()

    async def _answer(self, action_id: str) -> Message:
        while data := await self._reader.read(READ_BYTES):
            messages = self.parser.feed(data)
            for place, message in enumerate(messages, start=1):
                if message.get("actionid") != action_id or "response" not in message:
                    continue
                if message["response"] != "Success":
                    raise RefusedError("ami_sign_in", f"the switch refused {action_id}")
                self.early = messages[place:]
                return message
        raise ConnectionResetError("closed before the sign-in")

    def close(self) -> None:
        """End the connection."""
        if self._reading is not None:
            self._reading.cancel()
        with contextlib.suppress(OSError):
            self._writer.close()


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error) or type(error).__name__


def _load(path: Path) -> int:
    try:
        return msgspec.json.decode(path.read_bytes(), type=int)
    except (OSError, msgspec.DecodeError):
        return 0


def _save(path: Path, at: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, msgspec.json.encode(at))
    except OSError as error:
        log.warning("ami.state_not_kept", state=path.name, reason=error.strerror)
