"""Reaching the database behind a relay: TCP, Unix socket, or TLS after an SSLRequest.

Called by `postgres_proxy` for each connection. Must never send anything but the SSLRequest by itself.
"""

import asyncio
import ssl

from quivive.capture.address import Address
from quivive.capture.leg import Leg
from quivive.wire.postgres import messages


class Target:
    """Where a relay connects to, and how."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None) -> None:
        self.address = address
        self.tls = tls

    async def connect(self, leg: Leg) -> None:
        """Connect `leg` to the server.

        Raises:
            OSError: it cannot be reached, refuses TLS, or shows a certificate that is not accepted.
        """
        loop = asyncio.get_running_loop()
        address = self.address
        if self.tls is not None:
            await self._connect_tls(leg, self.tls)
        elif address.path:
            await loop.create_unix_connection(lambda: leg, address.path)
        else:
            await loop.create_connection(lambda: leg, address.host, address.port)

    async def _connect_tls(self, leg: Leg, context: ssl.SSLContext) -> None:
        loop, address = asyncio.get_running_loop(), self.address
        asking = _TlsQuestion(loop.create_future())
        transport, _ = await loop.create_connection(lambda: asking, address.host, address.port)
        transport.write(messages.SSL_QUESTION)
        if await asking.answer != b"S":  # more than the one byte would be somebody between us (CVE-2021-23222)
            transport.close()
            raise ConnectionRefusedError(0, "the server refuses TLS")
        transport.set_protocol(leg)
        leg.connection_made(transport)
        leg.secure(context, server_side=False, hostname=address.host)
        assert leg.secured is not None
        await leg.secured


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
