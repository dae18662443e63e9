"""One socket of a relayed connection, as an asyncio protocol: writing beyond the buffer pauses the peer's reading.

Used by `postgres_proxy`, two per connection. Must never look into bytes.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from quivive.capture.tls import TlsError, TlsFilter

log = structlog.get_logger()

WRITE_BUFFER_BYTES: Final = 128 << 10
"""Bytes waiting in one transport before the other side's reading pauses; two of them and a read stay below 1 MiB."""

KEEPALIVE: Final = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 6))
"""Seconds of silence, seconds between probes, probes: a host that vanished is noticed within two minutes.

Client and server would notice each other's end by their own settings; between them stands the relay, which must.
"""


class Owner(Protocol):
    """The connection that two legs belong to."""

    client: "Leg"

    def client_arrived(self) -> None:
        """The client's socket is open."""

    def lost(self, leg: "Leg") -> None:
        """A socket is gone."""

    def half_closed(self, leg: "Leg") -> bool:
        """The other end of a socket sends no more. True when it may still be written to."""


class Leg(asyncio.Protocol):
    """One socket. `received` takes its bytes; writing beyond the buffer pauses the peer's reading."""

    def __init__(self, owner: Owner, received: Callable[[bytes], None]) -> None:
        self._owner = owner
        self.received = received
        self.transport: asyncio.Transport | None = None
        self.peer: Leg = self
        self.tls: TlsFilter | None = None
        self.secured: asyncio.Future[None] | None = None
        self.gone = False
        self.put: Callable[[bytes], None] = _nowhere
        """`write` without its call, for the hot path; never to be kept: it changes with the socket's state."""
        self._holds = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "pause_reading")
        self.transport = transport  # type: ignore[assignment]  # uvloop's class is no subclass of asyncio.Transport
        assert self.transport is not None
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        _keep_alive(self.transport.get_extra_info("socket"))
        self.put = self.transport.write
        if self is self._owner.client:
            self._owner.client_arrived()

    @property
    def address(self) -> str:
        """Network address of the peer, "" on a Unix socket."""
        name = self.transport.get_extra_info("peername") if self.transport is not None else None
        return str(name[0]) if isinstance(name, tuple) and name else ""

    def secure(self, context: ssl.SSLContext, *, server_side: bool, hostname: str | None = None) -> None:
        """From the next byte on this leg speaks TLS; `secured` tells when the handshake is done, or why not."""
        self.tls = TlsFilter(context, server_side=server_side, hostname=hostname)
        self.put = self._write_tls
        self.secured = asyncio.get_running_loop().create_future()
        if not server_side:
            self.tls.begin()
            self._send_tls()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self.tls is None:
            self.received(data)
        else:
            self._tls_received(self.tls, data)

    def _tls_received(self, tls: TlsFilter, data: bytes) -> None:
        try:
            clear = tls.received(data)
        except TlsError as error:
            self._send_tls()  # the alert, if there is one
            self._insecure(error)
            return
        self._send_tls()
        if tls.secured and self.secured is not None and not self.secured.done():
            self.secured.set_result(None)
        if clear:
            self.received(clear)
        if tls.ended:
            self.close()

    def _insecure(self, error: TlsError) -> None:
        if self.secured is not None and not self.secured.done():
            self.secured.set_exception(ConnectionAbortedError(0, f"TLS: {error.reason}"))
            self.secured.exception()  # seen: whoever waits gets it, nobody else must
        log.warning("relay.tls_failed", client=self is self._owner.client, reason=error.reason)
        self.close()

    def _send_tls(self) -> None:
        assert self.tls is not None
        if self.transport is not None and not self.gone and (out := self.tls.outgoing()):
            self.transport.write(out)

    def eof_received(self) -> bool | None:
        """The peer will send no more. A server has ended then; a client may still read what it asked for.

        True keeps the socket for writing. Over TLS an end is an end: the record layer has closed with it.
        """
        if self.tls is not None or self.peer.tls is not None:
            return None
        return self._owner.half_closed(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        del exc
        self.gone = True
        self.put = _nowhere
        if self.secured is not None and not self.secured.done():
            self.secured.set_exception(ConnectionResetError("the peer closed during the handshake"))
            self.secured.exception()
        self._owner.lost(self)

    def write(self, data: bytes) -> None:
        """Send bytes unless the socket is not there yet, or gone."""
        self.put(data)

    def _write_tls(self, data: bytes) -> None:
        if self.tls is None or self.gone or not data:
            return
        try:
            self.tls.write(data)
        except TlsError as error:
            self._insecure(error)
            return
        self._send_tls()

    def finish(self) -> None:
        """Say that no more will be sent, and go on reading."""
        if self.transport is not None and not self.gone and not self.transport.is_closing():
            self.transport.write_eof()

    def close(self) -> None:
        """Close once everything written was sent."""
        if self.transport is not None and not self.gone:
            if self.tls is not None:
                self.tls.finish()
                self._send_tls()
            self.transport.close()

    def pause_writing(self) -> None:
        """Too much waits for this socket: stop reading the other."""
        self.peer.hold()

    def resume_writing(self) -> None:
        """The buffer drained."""
        self.peer.unhold()

    def hold(self) -> None:
        """Pause reading; holds add up."""
        self._holds += 1
        if self._holds == 1 and self.transport is not None and not self.gone:
            self.transport.pause_reading()

    def unhold(self) -> None:
        """Take back one hold."""
        self._holds -= 1
        if self._holds == 0 and self.transport is not None and not self.gone and not self.transport.is_closing():
            self.transport.resume_reading()


def _nowhere(_: bytes) -> None:
    """The socket is gone."""


def _keep_alive(sock: socket.socket | None) -> None:
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
