"""Claims about quivive.core.control: commands over a Unix socket that only its owner opens."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quivive.core.control import ControlServer, CoreUnreachableError, ask, ask_lines
from quivive.model.errors import RefusedError, StorageError


async def echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"said": request["word"]}


async def refuse(request: dict[str, Any]) -> dict[str, Any]:
    raise RefusedError("gate_closed")


async def count(request: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for number in range(3):
        yield {"n": number}


def with_server(tmp_path: Path, work: Any) -> Any:
    async def run() -> Any:
        server = ControlServer(tmp_path / "s", {"echo": echo, "refuse": refuse}, {"count": count})
        await server.start()
        try:
            return await work(tmp_path / "s")
        finally:
            await server.stop()

    return asyncio.run(run())


def test_a_command_gets_its_answer(tmp_path: Path) -> None:
    """A known command is answered with its handler's object."""
    assert with_server(tmp_path, lambda path: ask(path, "echo", word="hello")) == {"said": "hello"}


def test_a_stream_gives_many_lines(tmp_path: Path) -> None:
    """A stream yields line after line until it ends."""

    async def collect(path: Path) -> list[int]:
        return [line["n"] async for line in ask_lines(path, "count")]

    assert with_server(tmp_path, collect) == [0, 1, 2]


@pytest.mark.parametrize(
    ("command", "said"), [("refuse", "gate_closed"), ("nothing", "command_unknown"), ("echo", "KeyError")]
)
def test_errors_come_back_as_one_sentence(tmp_path: Path, command: str, said: str) -> None:
    """A refusal, an unknown command and a missing parameter are answered, not dropped."""
    with pytest.raises(RefusedError, match=said):
        with_server(tmp_path, lambda path: ask(path, command))


def test_the_socket_belongs_to_its_owner(tmp_path: Path) -> None:
    """Nobody but the owner may open the socket: the file mode is the authorisation."""

    async def mode(path: Path) -> int:
        return stat.S_IMODE((await asyncio.to_thread(path.stat)).st_mode)

    assert with_server(tmp_path, mode) == 0o600


def test_no_core_is_said_plainly(tmp_path: Path) -> None:
    """Without a core the command says so and names the socket."""
    with pytest.raises(CoreUnreachableError, match="is `quivive serve` running"):
        asyncio.run(ask(tmp_path / "absent", "ping"))


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    """A data folder whose socket path exceeds the kernel's limit is named before anything starts."""
    server = ControlServer(tmp_path / ("x" * 120), {}, {})
    with pytest.raises(StorageError, match="too long"):
        asyncio.run(server.start())
