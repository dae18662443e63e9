"""The side connection of a relay: describes statements and reads the catalogue, apart from the agents' streams.

Called by the relay (`describe`, once per shape) and by `capture.catalogue` (`query`). A role with CONNECT and USAGE
alone suffices: a statement is parsed and described, never executed, except our own catalogue queries.
Must never send anything of an agent's but a statement text to Parse, and never log one.
"""

import asyncio
import contextlib
import secrets
import ssl
import struct
from typing import Final

from quivive.capture.address import Address, SideTarget
from quivive.model.errors import QuiviveError
from quivive.wire.fields import Field
from quivive.wire.framing import PeerError
from quivive.wire.postgres import messages, scram

SIDE_TIMEOUT_S: Final = 5.0
"""Longest wait for one answer; then the statement stays opaque."""
MAX_SIDE_MESSAGE: Final = 16 << 20
"""Bytes of one answer on the side connection: a catalogue row or a description."""
_AUTHENTICATION_OK, _CLEARTEXT, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12


class SideError(QuiviveError):
    """The side connection failed, or the server refused a statement; `state` is its SQLSTATE or ""."""

    def __init__(self, message: str, state: str = "") -> None:
        self.state = state
        super().__init__(f"{message} ({state})" if state else message)


async def open_streams(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a stream to a server by TCP or Unix socket."""
    if address.path:
        return await asyncio.open_unix_connection(address.path)
    return await asyncio.open_connection(address.host, address.port)


class SideConnection:
    """One lazily opened, self-healing connection; calls are answered one after another."""

    def __init__(self, target: SideTarget, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._tls = tls
        self._lock = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def describe(self, sql: str, types: tuple[int, ...] = ()) -> tuple[Field, ...]:
        """Columns of a statement that is parsed and never executed; () when it shows none.

        Raises:
            SideError: the server refused it, or cannot be reached.
        """
        text = sql.encode()
        parse = messages.frame(b"P", b"\x00" + text + b"\x00" + struct.pack(f"!H{len(types)}I", len(types), *types))
        answers = await self._ask(parse + messages.frame(b"D", b"S\x00") + messages.SYNC)
        for kind, body in answers:
            if kind == b"T":
                return messages.row_description(body, 0, len(body))[0]
        return ()

    async def query(self, sql: str) -> list[tuple[str | None, ...]]:
        """Run one of our own catalogue queries; values as text.

        Raises:
            SideError: the server refused it, or cannot be reached.
        """
        answers = await self._ask(messages.frame(b"Q", sql.encode() + b"\x00"))
        return [_text_row(body) for kind, body in answers if kind == b"D"]

    async def close(self) -> None:
        """Say goodbye."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.write(messages.frame(b"X", b""))
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _ask(self, request: bytes) -> list[tuple[bytes, bytes]]:
        async with self._lock:
            try:
                async with asyncio.timeout(SIDE_TIMEOUT_S):
                    fresh = self._writer is None
                    try:
                        return await self._exchange(request)
                    except (OSError, asyncio.IncompleteReadError):
                        self._drop()
                        if fresh:
                            raise
                    return await self._exchange(request)  # the server had closed an idle connection
            except (OSError, asyncio.IncompleteReadError, PeerError) as error:
                self._drop()
                raise SideError("the side connection failed") from error

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _exchange(self, request: bytes) -> list[tuple[bytes, bytes]]:
        if self._writer is None:
            await self._log_in()
        assert self._writer is not None
        self._writer.write(request)
        await self._writer.drain()
        answers, refused = [], ""
        while True:
            kind, body = await self._message()
            if kind == b"Z":
                break
            if kind == b"E":
                refused = messages.error_state(body, 0, len(body))
            else:
                answers.append((kind, body))
        if refused:
            raise SideError("the server refused a statement on the side connection", refused)
        return answers

    async def _message(self) -> tuple[bytes, bytes]:
        assert self._reader is not None
        head = await self._reader.readexactly(5)
        length = int.from_bytes(head[1:], "big") - 4
        if not 0 <= length <= MAX_SIDE_MESSAGE:
            raise PeerError("a side message with an impossible length")
        return head[:1], await self._reader.readexactly(length)

    async def _log_in(self) -> None:
        target = self._target
        self._reader, self._writer = await open_streams(target.address)
        if self._tls is not None and not target.address.path:
            await self._secure(self._reader, self._writer, self._tls)
        pairs = {"user": target.user, "database": target.database, "application_name": "quivive side connection"}
        body = b"".join(f"{name}\x00{value}\x00".encode() for name, value in pairs.items()) + b"\x00"
        self._writer.write(struct.pack("!II", len(body) + 8, 3 << 16) + body)
        exchange = scram.ScramClient(target.password, secrets.token_urlsafe(18))
        while True:
            kind, body = await self._message()
            if kind == b"Z":
                return
            if kind == b"E":
                state = messages.error_state(body, 0, len(body))
                self._drop()
                raise SideError("the server refused the side connection", state)
            if kind == b"R":
                self._answer(body, exchange)

    async def _secure(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
        writer.write(messages.SSL_QUESTION)
        if await reader.readexactly(1) != b"S":
            self._drop()
            raise SideError("the server refuses TLS on the side connection")
        await writer.start_tls(tls, server_hostname=self._target.address.host)

    def _answer(self, body: bytes, exchange: scram.ScramClient) -> None:
        assert self._writer is not None
        target = self._target
        method = int.from_bytes(body[:4], "big")
        if method == _CLEARTEXT:
            self._writer.write(messages.frame(b"p", target.password.encode() + b"\x00"))
        elif method == _MD5:
            answer = scram.md5_response(target.user, target.password, body[4:8])
            self._writer.write(messages.frame(b"p", answer + b"\x00"))
        elif method == _SASL:
            first = exchange.first()
            head = scram.MECHANISM.encode() + b"\x00" + struct.pack("!I", len(first))
            self._writer.write(messages.frame(b"p", head + first))
        elif method == _SASL_CONTINUE:
            self._writer.write(messages.frame(b"p", exchange.final(body[4:])))
        elif method == _SASL_FINAL:
            exchange.verify(body[4:])
        elif method != _AUTHENTICATION_OK:
            raise PeerError("an authentication method the side connection does not speak")


def _text_row(body: bytes) -> tuple[str | None, ...]:
    count = int.from_bytes(body[:2], "big")
    values: list[str | None] = []
    at = 2
    for _ in range(count):
        size = int.from_bytes(body[at : at + 4], "big", signed=True)
        at += 4
        if size < 0:
            values.append(None)
            continue
        values.append(body[at : at + size].decode("utf-8", "replace"))
        at += size
    return tuple(values)
