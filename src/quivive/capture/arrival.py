"""How a client arrives: start-up, TLS, cancel requests and the authentication, relayed untouched.

Base of `postgres_proxy.Relayed`, which goes on when the server has let the client in. Must never decode a password,
nor answer in the server's place except to refuse, or where the source says that authentication ends in the relay
(`termination`).
"""

import asyncio
import hmac
import secrets
import ssl
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import structlog

from quivive.capture.context import RelayContext
from quivive.capture.leg import Leg
from quivive.capture.logins import LoginsFile
from quivive.capture.target import Target
from quivive.capture.termination import RefusalError, Termination
from quivive.model.access import CaptureMode
from quivive.wire.framing import HEADER_BYTES, FrameBuffer, PeerError, unpack_length
from quivive.wire.postgres import messages

log = structlog.get_logger()

CONNECT_TIMEOUT_S: Final = 10.0
STARTUP_TIMEOUT_S: Final = 60.0
"""A client that has not finished its start-up by then is let go."""
MAX_EARLY_BYTES: Final = 1 << 20
"""Bytes of requests kept that a client sends before the server has let it in."""
_PASSWORD: Final = ord("p")
_STATUS: Final = ord("S")
_ENCODING: Final = b"client_encoding\x00"
_PATH: Final = b"search_path\x00"
_REPLICATION_OFF: Final = frozenset({"", "0", "off", "no", "false"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """How clients reach the relay: `tls` None speaks clear only, `tls_only` refuses those who do not ask for TLS.

    `logins` is given where authentication ends in the relay; `binding` is what clients bind their proof to then.
    """

    tls: ssl.SSLContext | None = None
    tls_only: bool = False
    binding: bytes = b""
    logins: LoginsFile | None = None


CLEAR: Final = Front()


class Phase(IntEnum):
    STARTUP = 0
    CONNECTING = 1
    AUTHENTICATING = 2
    SESSION = 3
    OPAQUE = 4
    CLOSED = 5


class Arrival:
    """From the first byte of a client to the server's first ReadyForQuery."""

    def __init__(self, context: RelayContext, target: Target, front: Front) -> None:
        self._context = context
        self._target = target
        self._front = front
        self._phase = Phase.STARTUP
        self._head = bytearray()
        self._startup: dict[str, str] = {}
        self._auth_client = FrameBuffer()
        self._auth_server = FrameBuffer()
        self._early = bytearray()
        self._termination: Termination | None = None
        facts = context.facts
        self._guarded = facts.closed or facts.limited or facts.mode is CaptureMode.STRICT
        self._cancel_key = b""
        self._direct = False
        self._encoding = b"UTF8"
        self._path: bytes | None = None
        self._said_all = False
        self._connecting: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self.client = Leg(self, self._client_startup)
        self.server = Leg(self, self._server_auth)
        self.client.peer, self.server.peer = self.server, self.client

    def lost(self, leg: Leg) -> None:
        """One side is gone."""
        raise NotImplementedError

    def half_closed(self, leg: Leg) -> bool:
        """A client that sends no more may still read its answers: the server hears of it, and ends when it gave them.

        A client that was killed looks the same; the first bytes it does not take end the connection. Not in a guarded
        session: there the trace goes before the row, so that nobody could say any more whether it was seen.
        """
        late = self._phase in (Phase.STARTUP, Phase.CLOSED)
        if leg is self.server or late or self.server.gone or self._guarded:
            return False
        self._said_all = True
        self._pass_end()
        return True

    def _pass_end(self) -> None:
        """Tell the server that the client has said all, once all of it has gone there."""
        if self._said_all and not self._early and self._phase != Phase.CONNECTING:
            self.server.finish()

    def _begin_session(self, rest: bytes) -> None:
        """Go on with what follows the first ReadyForQuery."""
        raise NotImplementedError

    def close(self) -> None:
        """End both sides after what was written is sent."""
        self._phase = Phase.CLOSED
        self.client.close()
        self.server.close()

    @property
    def _replication(self) -> bool:
        return self._startup.get("replication", "").lower() not in _REPLICATION_OFF

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
            if self._replication and self._context.facts.closed:
                self._refuse("28000", "Quivive relay: replication cannot be recorded, so it is refused here.")
                return
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
        if self._front.logins is not None:
            self._terminate(self._front.logins)
        self.server.write(packet)
        self.client.received = self._client_auth
        early, self._head = bytes(self._head), bytearray()
        if early:
            self._client_auth(early)
        self._pass_end()

    def _refuse(self, state: str, message: str) -> None:
        self.client.write(messages.error_response(severity="FATAL", state=state, message=message))
        self.close()

    # --- authentication, relayed untouched ---------------------------------------------------------------------------

    def _terminate(self, logins: LoginsFile) -> None:
        """Authentication ends here: both legs prove themselves to the relay (mode c)."""
        secured, behind = self.client.tls is not None, self.server.tls
        self._termination = Termination(
            logins=logins,
            name=self._startup.get("user", ""),
            mock=hmac.digest(self._context.keys.agent, b"quivive scram mock", "sha256"),
            front=self._front.binding if secured else b"",
            behind=behind.binding() if behind is not None else b"",
            nonce=lambda: secrets.token_urlsafe(18),
        )

    def _password(self, message: bytes) -> None:
        if self._termination is None:
            self.server.write(message)
            return
        if self._phase != Phase.AUTHENTICATING:
            return  # refused a moment ago
        try:
            passed = self._termination.from_client(message[HEADER_BYTES:])
        except RefusalError as error:
            self._refuse(error.state, str(error))
            return
        self.client.write(passed.to_client)
        self.server.write(passed.to_server)

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
                    self._password(buffer[position:following])
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
            try:
                out += self._auth_message(buffer[position:following])
            except RefusalError as error:
                self._refuse(error.state, str(error))
                return
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
        if message[0] == _STATUS and message.startswith(_ENCODING, HEADER_BYTES):
            self._encoding = message[HEADER_BYTES + len(_ENCODING) : -1]
        if message[0] == _STATUS and message.startswith(_PATH, HEADER_BYTES):  # PostgreSQL 18 and later
            self._path = message[HEADER_BYTES + len(_PATH) : -1]
        if message[0] == ord("K"):
            self._cancel_key = message[HEADER_BYTES:]
        if self._termination is not None:
            passed = self._termination.from_server(message)
            if self._termination.done:
                self._termination = None  # and with it every secret of this login
            self.server.write(passed.to_server)
            return passed.to_client
        bindable = self._target.tls is not None and self.client.tls is None
        if bindable and message[0] == ord("R") and message[5:9] == b"\x00\x00\x00\x0a":
            return messages.frame(b"R", messages.without_channel_binding(message[5:]))
        return message
