"""Reaching the database: sockets, and a server that refuses TLS."""

import asyncio
import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest

from quivive.capture.address import Address
from quivive.capture.leg import Leg
from quivive.capture.target import Target
from quivive.wire.postgres import messages


def leg() -> Leg:
    """One socket whose owner does not care."""
    return Leg(SimpleNamespace(client=None, lost=lambda _: None, client_arrived=lambda: None), lambda _: None)


def test_a_unix_socket_is_reached(tmp_path: Path) -> None:
    """An address with a path is a Unix socket; nothing is sent by itself."""

    async def main() -> None:
        heard: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read())
            writer.close()

        path = str(tmp_path / "s")
        async with await asyncio.start_unix_server(serve, path):
            end = leg()
            await Target(Address(path=path), None).connect(end)
            end.close()
            while not heard:
                await asyncio.sleep(0.005)
        assert heard == [b""]

    asyncio.run(main())


def test_a_server_without_tls_is_refused() -> None:
    """Where TLS is asked for, an answer of N ends the attempt: never in clear by surprise."""

    async def main() -> None:
        asked: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(await reader.readexactly(8))
            writer.write(b"N")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            target = Target(Address(host="127.0.0.1", port=port), ssl.create_default_context())
            with pytest.raises(ConnectionRefusedError):
                await target.connect(leg())
        assert asked == [(8).to_bytes(4, "big") + messages.SSL_REQUEST.to_bytes(4, "big")]

    asyncio.run(main())


def test_nobody_there(tmp_path: Path) -> None:
    """An address without a server is an OSError for the caller to tell."""
    with pytest.raises(OSError):
        asyncio.run(Target(Address(path=str(tmp_path / "none")), None).connect(leg()))
