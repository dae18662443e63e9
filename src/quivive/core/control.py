"""The core's control socket: one JSON object a line in, one a line out (DESIGN §3).

The commands (`judge`, `rebuild`, `gate`, `token`, …) speak to the core through it; the socket file is
readable by the owner only, which is the authorisation. Must never carry a personal value in an error.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from quivive.model.errors import QuiviveError, RefusedError, StorageError

MAX_LINE_BYTES: Final = 1 << 20  # a request or an answer; commands carry parameters, not data
UNIX_PATH_BYTES_MAX: Final = 107  # sockaddr_un on Linux, less the final zero

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
Streamer = Callable[[dict[str, Any]], AsyncIterator[dict[str, Any]]]


class ControlServer:
    """Answers commands; `handlers` give one answer, `streams` many until the client leaves."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler], streams: Mapping[str, Streamer]) -> None:
        self._path, self._handlers, self._streams = path, handlers, streams
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            StorageError: the path is longer than a Unix socket allows, or cannot be made.
        """
        if len(os.fsencode(self._path)) > UNIX_PATH_BYTES_MAX:
            raise StorageError(f"the data folder's path is too long for a Unix socket ({self._path})")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_LINE_BYTES)
        finally:
            os.umask(mask)

    async def stop(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            if line:
                await self._answer(line, writer)
        except (ConnectionError, ValueError):
            return  # the client left, or its line was longer than MAX_LINE_BYTES
        finally:
            writer.close()

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
            command = str(request.pop("command", ""))
            if command in self._streams:
                async for item in self._streams[command](request):
                    writer.write(msgspec.json.encode(item) + b"\n")
                    await writer.drain()
                return
            if command not in self._handlers:
                raise RefusedError("command_unknown", command)
            answer = await self._handlers[command](request)
        except QuiviveError as error:
            answer = {"error": str(error)}
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            answer = {"error": f"request not understood ({type(error).__name__})"}
        writer.write(msgspec.json.encode(answer) + b"\n")
        await writer.drain()


class CoreUnreachableError(QuiviveError):
    """No core answers on this data folder."""


async def ask_lines(path: Path, command: str, **params: Any) -> AsyncIterator[dict[str, Any]]:
    """Send one command and yield each line of the answer.

    Raises:
        CoreUnreachableError: the socket is absent or refuses.
        RefusedError: the core answered with an error.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=MAX_LINE_BYTES)
    except OSError as error:
        raise CoreUnreachableError(
            f"no core answers at {path} ({error.strerror}); is `quivive serve` running?"
        ) from None
    try:
        writer.write(msgspec.json.encode({"command": command, **params}) + b"\n")
        await writer.drain()
        while line := await reader.readline():
            answer = msgspec.json.decode(line, type=dict[str, Any])
            if "error" in answer:
                raise RefusedError("core", str(answer["error"]))
            yield answer
    except OSError as error:
        raise CoreUnreachableError(f"the core ended while it was asked ({error.strerror})") from None
    finally:
        writer.close()


async def ask(path: Path, command: str, **params: Any) -> dict[str, Any]:
    """Send one command and return its one answer."""
    async for answer in ask_lines(path, command, **params):
        return answer
    raise CoreUnreachableError("the core closed the connection without an answer")


def core_socket(home: Path) -> Path:
    """Path of the core's control socket."""
    return home / "run" / "core.sock"
