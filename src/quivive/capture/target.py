"""Reaching the database behind a relay: TCP, Unix socket, or TLS after an SSLRequest.

Called by `postgres_proxy` for each connection. Must never send anything but the SSLRequest by itself.
"""

import asyncio
import ssl

from quivive.capture.address import Address
from quivive.wire.postgres import messages


class Target:
    """Where a relay connects to, and how."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None) -> None:
        self.address = address
        self.tls = tls

    async def connect(self, leg: asyncio.Protocol) -> asyncio.Transport:
        """Connect `leg` to the server.

        Raises:
            OSError: it cannot be reached, or refuses TLS.
        """
        loop = asyncio.get_running_loop()
        address = self.address
        if self.tls is not None:
            return await self._connect_tls(leg, self.tls)
        if address.path:
            transport, _ = await loop.create_unix_connection(lambda: leg, address.path)
        else:
            transport, _ = await loop.create_connection(lambda: leg, address.host, address.port)
        return transport

    async def _connect_tls(self, leg: asyncio.Protocol, context: ssl.SSLContext) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        asking = _TlsQuestion(loop.create_future())
        transport, _ = await loop.create_connection(lambda: asking, self.address.host, self.address.port)
        transport.write((8).to_bytes(4, "big") + messages.SSL_REQUEST.to_bytes(4, "big"))
        if await asking.answer != b"S":
            transport.close()
            raise ConnectionRefusedError("the server refuses TLS")
        secured = await loop.start_tls(transport, leg, context, server_hostname=self.address.host)
        assert secured is not None
        leg.connection_made(secured)
        return secured


class _TlsQuestion(asyncio.Protocol):
    """Waits for the one byte that answers an SSLRequest."""

    def __init__(self, answer: "asyncio.Future[bytes]") -> None:
        self.answer = answer

    def data_received(self, data: bytes) -> None:
        if not self.answer.done():
            self.answer.set_result(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.answer.done():
            self.answer.set_exception(ConnectionResetError("the server closed before TLS"))
