"""One relayed PostgreSQL connection: two asyncio protocols that forward whole reads and show them to a PgSession.

Called by `relay`. Forward first, inspect in place (DESIGN §6). Must never decode a password, never await in the path of
bytes outside strict, never let the slower side grow memory: each side's reading pauses with the other's writing.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeVar

import structlog

from quivive.capture.context import RelayContext
from quivive.capture.holding import Door
from quivive.capture.leg import Leg
from quivive.capture.recorder import Recorder
from quivive.capture.target import Target
from quivive.model.access import CaptureMode, GapCause
from quivive.wire.framing import HEADER_BYTES, FrameBuffer, PeerError, unpack_length
from quivive.wire.postgres import messages
from quivive.wire.postgres.session import PgSession

log = structlog.get_logger()

CONNECT_TIMEOUT_S: Final = 10.0
STARTUP_TIMEOUT_S: Final = 60.0
"""A client that has not finished its start-up by then is let go."""
MAX_EARLY_BYTES: Final = 1 << 20
"""Bytes of requests kept that a client sends before the server has let it in."""
_PASSWORD: Final = ord("p")
_REPLICATION_OFF: Final = frozenset({"", "0", "off", "no", "false"})


_Told = TypeVar("_Told", bytes, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """How clients reach the relay: `tls` None speaks clear only, `tls_only` refuses those who do not ask for TLS."""

    tls: ssl.SSLContext | None = None
    tls_only: bool = False


CLEAR: Final = Front()


class Phase(IntEnum):
    STARTUP = 0
    CONNECTING = 1
    AUTHENTICATING = 2
    SESSION = 3
    OPAQUE = 4
    CLOSED = 5


class Relayed:
    """One client connection and its server connection."""

    def __init__(
        self, context: RelayContext, target: Target, ended: Callable[["Relayed"], None], front: Front = CLEAR
    ) -> None:
        self._context = context
        self._target = target
        self._front = front
        self._ended = ended
        self._phase = Phase.STARTUP
        self._head = bytearray()
        self._startup: dict[str, str] = {}
        self._auth_client = FrameBuffer()
        self._auth_server = FrameBuffer()
        self._early = bytearray()
        self._guarded = context.facts.closed or context.facts.mode is CaptureMode.STRICT
        self._blocked = False
        self._opaque_from = 0
        self._direct = False
        self._connecting: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._recorder: Recorder | None = None
        self._session: PgSession | None = None
        self._to_client: Door | None = None
        self._to_server: Door | None = None
        self.client = Leg(self, self._client_startup)
        self.server = Leg(self, self._server_auth)
        self.client.peer, self.server.peer = self.server, self.client

    @property
    def idle(self) -> bool:
        """Nothing is running: the relay may close it when it stops."""
        if self._blocked:
            return False
        return self._phase != Phase.SESSION or self._session is None or not self._session.running

    def close(self) -> None:
        """End both sides after what was written is sent."""
        self._phase = Phase.CLOSED
        self.client.close()
        self.server.close()

    def long_running(self, before: int) -> None:
        """Give executions that began before an instant their first part."""
        if self._session is not None and self._phase == Phase.SESSION:
            self._show(self._bear, before)

    def _bear(self, before: int) -> bytes:
        assert self._session is not None
        assert self._recorder is not None
        for execution in self._session.running:
            if execution.state is not None and execution.state.at < before:
                self._recorder.born(execution.state)
        return b""

    # --- start-up -------------------------------------------------------------------------------------------------

    def client_arrived(self) -> None:
        """The client's socket is open."""
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(STARTUP_TIMEOUT_S, self._impatient)

    def _impatient(self) -> None:
        if self._phase in (Phase.STARTUP, Phase.CONNECTING):
            self.close()

    def _client_startup(self, data: bytes) -> None:
        head = self._head
        head += data
        if self._phase == Phase.CONNECTING:
            if len(head) > MAX_EARLY_BYTES:
                self.close()
            return
        if head[0] == messages.TLS_HANDSHAKE and self.client.tls is None:
            self._direct_tls()
            return
        while len(head) >= 8 and self._phase == Phase.STARTUP:
            length = int.from_bytes(head[:4], "big")
            if not 8 <= length <= messages.MAX_STARTUP_BYTES:
                self._refuse("08P01", "Quivive relay: this is not a PostgreSQL start-up message.")
                return
            if len(head) < length:
                return
            packet = bytes(head[:length])
            del head[:length]
            self._startup_packet(packet)

    def _direct_tls(self) -> None:
        """`sslnegotiation=direct`: the handshake without a question before it."""
        context = self._front.tls
        if context is None:
            self.close()
            return
        first, self._head = bytes(self._head), bytearray()
        self.client.secure(context, server_side=True)
        self._direct = True
        self.client.data_received(first)

    def _startup_packet(self, packet: bytes) -> None:
        code = int.from_bytes(packet[4:8], "big")
        secured = self.client.tls is not None
        if code == messages.SSL_REQUEST and self._front.tls is not None and not secured:
            if self._head:  # clear bytes behind the question are somebody else's (CVE-2021-23214)
                self._refuse("08P01", "Quivive relay: unencrypted bytes follow the request for TLS.")
                return
            self.client.write(b"S")
            self.client.secure(self._front.tls, server_side=True)
        elif code in (messages.SSL_REQUEST, messages.GSSENC_REQUEST):
            self.client.write(b"N")  # clear on this leg: loopback or a private network (capture reference §3.2 b)
        elif self._front.tls_only and not secured:
            self._refuse("28000", "Quivive relay: this port is reached by TLS only.")
        elif self._direct and self.client.tls is not None and self.client.tls.protocol() is None:
            self._refuse("08P01", "Quivive relay: direct TLS needs the application protocol `postgresql`.")
        elif code == messages.CANCEL_REQUEST:
            self._phase = Phase.CONNECTING
            self._connecting = asyncio.ensure_future(self._cancel(packet))
        elif code >> 16 == messages.PROTOCOL_3:
            self._startup = messages.startup_parameters(packet)
            self._phase = Phase.CONNECTING
            self._connecting = asyncio.ensure_future(self._connect(packet))
        else:
            self._refuse("0A000", "Quivive relay: only PostgreSQL protocol 3 is spoken here.")

    async def _cancel(self, packet: bytes) -> None:
        """Forward a cancel request on a connection of its own; the server answers by closing."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._target.connect(self.server)
        except OSError as error:
            log.warning("relay.target_unreachable", source=self._context.facts.name, reason=error.strerror or "timeout")
            self.close()
            return
        self._phase = Phase.OPAQUE
        self.server.write(packet)

    async def _connect(self, packet: bytes) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._target.connect(self.server)
        except OSError as error:
            log.warning("relay.target_unreachable", source=self._context.facts.name, reason=error.strerror or "timeout")
            self._refuse(
                messages.CANNOT_CONNECT, "Quivive relay: the database behind this relay cannot be reached at present."
            )
            return
        if self._phase == Phase.CLOSED:
            self.server.close()
            return
        self._phase = Phase.AUTHENTICATING
        self.server.write(packet)
        self.client.received = self._client_auth
        early, self._head = bytes(self._head), bytearray()
        if early:
            self._client_auth(early)

    def _refuse(self, state: str, message: str) -> None:
        self.client.write(messages.error_response(severity="FATAL", state=state, message=message))
        self.close()

    # --- authentication, relayed untouched ---------------------------------------------------------------------------

    def _client_auth(self, data: bytes) -> None:
        """Passwords pass unread; requests sent too early wait until the server is ready."""
        buffer = self._auth_client.feed(data)
        position = 0
        try:
            while len(buffer) - position >= HEADER_BYTES:
                following = position + 1 + unpack_length(buffer, position + 1)[0]
                if following > len(buffer) or following <= position + 4:
                    break
                if buffer[position] == _PASSWORD:
                    self.server.write(buffer[position:following])
                else:
                    self._early += buffer[position:following]
                position = following
            self._auth_client.keep(buffer, position)
        except PeerError:
            self.close()
            return
        if len(self._early) > MAX_EARLY_BYTES or self._auth_client.cut:
            self.close()

    def _server_auth(self, data: bytes) -> None:
        if self._phase != Phase.AUTHENTICATING:
            self.client.write(data)  # the answer to a cancel request, if any
            return
        buffer = self._auth_server.feed(data)
        position, out = 0, bytearray()
        ready = False
        while len(buffer) - position >= HEADER_BYTES and not ready:
            following = position + 1 + unpack_length(buffer, position + 1)[0]
            if following > len(buffer) or following <= position + 4:
                break
            out += self._auth_message(buffer[position:following])
            ready = buffer[position] == ord("Z")
            position = following
        self.client.write(bytes(out))
        if ready:
            self._begin_session(buffer[position:])
            return
        try:
            self._auth_server.keep(buffer, position)
        except PeerError:
            self.close()

    def _auth_message(self, message: bytes) -> bytes:
        """Relay one message; a clear client leg cannot do what a TLS server leg offers, so -PLUS goes (§3.2 row 3).

        With TLS on both legs it stays: it passes end to end when both show the same certificate (row 5).
        """
        bindable = self._target.tls is not None and self.client.tls is None
        if bindable and message[0] == ord("R") and message[5:9] == b"\x00\x00\x00\x0a":
            return messages.frame(b"R", messages.without_channel_binding(message[5:]))
        return message

    def _begin_session(self, rest: bytes) -> None:
        if self._patience is not None:
            self._patience.cancel()
        if self._startup.get("replication", "").lower() not in _REPLICATION_OFF:
            self._phase = Phase.SESSION
            self._go_opaque()
            self.client.write(rest)
        else:
            self._phase = Phase.SESSION
            refusal = messages.error_response(
                severity="ERROR",
                state=messages.AUDIT_UNAVAILABLE,
                message="Quivive relay: this access cannot be recorded at present, so it is refused.",
                hint="Tell the administrator that the relay cannot write its spool.",
            )
            login = self._startup.get("user", "")
            startup = messages.session_settings(self._startup)
            self._recorder = Recorder(self._context, login=login, startup=startup, address=self.client.address)
            self._session = PgSession(self._recorder, guarded=self._guarded, refusal=refusal)
            if self._guarded:
                self._open_doors()
                self.client.received, self.server.received = self._guarded_client, self._guarded_server
            else:
                self.client.received, self.server.received = self._from_client, self._from_server
            if rest:
                self.server.received(rest)
        early, self._early = bytes(self._early), bytearray()
        if early:
            self.client.received(early)

    def _open_doors(self) -> None:
        client, server = self.client, self.server
        self._to_client = Door(self._context, client.write, self._unrecorded, server.hold, server.unhold)
        self._to_server = Door(self._context, server.write, self._unrecorded, client.hold, client.unhold)

    def _unrecorded(self) -> None:
        """Strict and closed: what was held cannot be recorded, so it never passes and the connection ends."""
        self._refuse(
            messages.AUDIT_UNAVAILABLE, "Quivive relay: this access cannot be recorded at present, so it is refused."
        )

    # --- session ----------------------------------------------------------------------------------------------------

    def _show(self, look: Callable[[_Told], bytes], told: _Told) -> bytes | None:
        """Show the session bytes, or the hour: what it lets pass, None when it failed and the stream goes on unread.

        This is the one place of the relay that catches everything, on purpose: a defect of ours in the observation
        must not stop an agent at work, and must not pass unseen. `_codec_failed` logs the place and writes the gap.
        """
        try:
            return look(told)
        except Exception as error:  # noqa: BLE001  # see above; provoked by a test
            self._codec_failed(error)
            return None

    def _from_client(self, data: bytes) -> None:
        self.server.write(data)
        assert self._session is not None
        self._show(self._session.client_bytes, data)

    def _from_server(self, data: bytes) -> None:
        self.client.write(data)
        session = self._session
        assert session is not None
        if self._show(session.server_bytes, data) is not None and session.blocked:
            self._block()

    def _guarded_client(self, data: bytes) -> None:
        assert self._session is not None
        assert self._recorder is not None
        assert self._to_server is not None
        out = self._show(self._session.client_bytes, data)
        if out is not None:
            self._to_server.put(out, self._recorder.barrier)

    def _guarded_server(self, data: bytes) -> None:
        session = self._session
        assert session is not None
        assert self._recorder is not None
        assert self._to_client is not None
        out = self._show(self._guarded_look, data)
        if out is None:
            return
        self._to_client.put(out, self._recorder.barrier)
        if session.blocked:
            self._block()

    def _guarded_look(self, data: bytes) -> bytes:
        assert self._session is not None
        assert self._recorder is not None
        out = self._session.server_bytes(data)
        self._recorder.chunk_done()
        return out

    def _looked_again(self, _: bytes) -> None:
        session = self._session
        assert session is not None
        if self._show(session.server_bytes, b"") is not None and session.blocked:
            self._block()

    def _block(self) -> None:
        """The columns of a result must be asked for aside; meanwhile the server waits, at most one read is held."""
        assert self._recorder is not None
        waiting = self._recorder.waiting
        assert waiting is not None
        if not self._blocked:
            self._blocked = True
            self.server.hold()
        waiting.add_done_callback(lambda _: self._unblock())

    def _unblock(self) -> None:
        session = self._session
        if session is not None:  # else its stream went on unread meanwhile
            (self._guarded_server if self._guarded else self._looked_again)(b"")
            if session.blocked and session is self._session:
                return
        self._blocked = False
        self.server.unhold()
        if self._phase == Phase.CLOSED:
            self._settle()

    def _codec_failed(self, error: Exception) -> None:
        """The stream is not understood: traffic goes on unread, and the gap says so (guarded: the connection ends)."""
        reason = str(error) if isinstance(error, PeerError) else type(error).__name__  # no text that may hold data
        log.warning("relay.codec", source=self._context.facts.name, reason=reason)
        if not isinstance(error, PeerError):
            log.error("relay.defect", source=self._context.facts.name, place=_place(error))
        if self._guarded:
            # Frames that were held cannot be told from those that passed: end rather than corrupt.
            now = self._context.clock()
            self._context.gap(now, now, GapCause.CODEC, -1)
            self._unrecorded()
            return
        self._go_opaque()

    def _go_opaque(self) -> None:
        context = self._context
        self._opaque_from = context.clock()
        context.gap(self._opaque_from, self._opaque_from, GapCause.CODEC, -1)
        self._abort_running()
        self._phase = Phase.OPAQUE
        self.client.received, self.server.received = self.server.write, self.client.write

    def _abort_running(self) -> None:
        session, self._session = self._session, None
        if self._recorder is None or session is None:
            return
        try:
            self._recorder.lost(session.running)
        except Exception as error:  # noqa: BLE001  # the defect that brought us here may strike again
            log.warning("relay.defect", source=self._context.facts.name, place=_place(error))
            now = self._context.clock()
            self._context.gap(now, now, GapCause.CODEC, -1)

    # --- end ----------------------------------------------------------------------------------------------------------

    def lost(self, leg: Leg) -> None:
        """One side is gone: the other gets what was written for it, then goes too."""
        if self._connecting is not None and self._phase == Phase.CONNECTING:
            self._connecting.cancel()
        self._phase = Phase.CLOSED
        other = leg.peer
        door = self._to_client if leg is self.server else self._to_server
        if door is not None:
            door.when_empty(other.close)
        else:
            other.close()
        if not self._blocked:
            self._settle()
        if self.client.gone and (self.server.gone or self.server.transport is None):
            self._ended(self)

    def _settle(self) -> None:
        """Nothing will be read any more: what ran is aborted. May be called again."""
        if self._patience is not None:
            self._patience.cancel()
        self._abort_running()
        if self._opaque_from:
            self._context.gap(self._opaque_from, self._context.clock(), GapCause.CODEC, -1)
            self._opaque_from = 0


def _place(error: Exception) -> str:
    """File and line of a defect, without its message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace is not None else ""
