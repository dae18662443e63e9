"""The product under demonstration, run as anyone would run it: `quivive serve` in a process of its own.

Called by `demo.py`. Speaks to it only through its control socket and its files, like the commands do. Must
never end any process but the one it started.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from quivive.core.control import CoreUnreachableError, ask, core_socket
from quivive.model.errors import QuiviveError, StorageError
from quivive.privacy.policy_file import decode_policy
from quivive.supervisor import end_with_parent

MAX_READY_S: Final = 90.0
"""Seconds until the core answers; a start after a crash may rebuild the projection first."""
MAX_POLICY_S: Final = 30.0
"""Seconds until the sources' policies follow directory and gate."""
STOP_S: Final = 25.0
"""Seconds of an orderly end: relays, then the core with its last checkpoint."""
LOG_LINES_SHOWN: Final = 5


class ProductError(QuiviveError):
    """The product did not start, ended, or refused a command; says where its log is."""


class Product:
    """`quivive serve` on one data folder."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.log_path = home / "quivive.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; its standard output and error go to the log."""
        with self.log_path.open("ab") as log:
            # a session of its own: Ctrl-C must reach us first, who then end it in order
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", "quivive", "--home", os.fspath(self._home), "serve"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one call of prctl, loaded beforehand
            )

    async def ready(self) -> None:
        """Wait until the core answers.

        Raises:
            ProductError: it ended, or does not answer in time.
        """
        deadline = asyncio.get_running_loop().time() + MAX_READY_S
        while asyncio.get_running_loop().time() < deadline:
            if not self.running():
                raise ProductError(f"the product ended at its start: {self._last_words()}")
            with contextlib.suppress(CoreUnreachableError):
                await self.ask("ping")
                return
            await asyncio.sleep(0.05)
        raise ProductError(f"the product did not answer within {MAX_READY_S:.0f} s; see {self.log_path}")

    def running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.poll() is None

    async def ask(self, command: str, **params: Any) -> dict[str, Any]:
        """Send one command to the core."""
        return await ask(core_socket(self._home), command, **params)

    async def sync_links(self, source: str, dsn: str, password: str) -> int:
        """Run `quivive links sync` in a process of its own; returns how many links it wrote.

        Raises:
            ProductError: it failed.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "quivive", "--home", os.fspath(self._home), "links", "sync", source, "--dsn", dsn),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PGPASSWORD": password},
            start_new_session=True,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if process.returncode != 0:
            raise ProductError(f"links sync of {source} ended with {process.returncode}")
        return int(output.split()[0])

    async def policies_active(self, sources: Iterable[str], accounts: int) -> None:
        """Wait until each source may keep what the gate and the directory allow.

        Raises:
            ProductError: not in time.
        """
        waiting = set(sources)
        deadline = asyncio.get_running_loop().time() + MAX_POLICY_S
        while waiting and asyncio.get_running_loop().time() < deadline:
            waiting = {name for name in waiting if not self._active(name, accounts)}
            if waiting:
                await asyncio.sleep(0.1)
        if waiting:
            raise ProductError(f"no active policy yet for {', '.join(sorted(waiting))}; see {self.log_path}")

    async def listening(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Wait until every relay accepts connections.

        Raises:
            ProductError: not in time.
        """
        deadline = asyncio.get_running_loop().time() + MAX_READY_S
        for host, port in addresses:
            while not await _accepts(host, port):
                if not self.running() or asyncio.get_running_loop().time() > deadline:
                    raise ProductError(f"no relay listens on {host}:{port}; see {self.log_path}")
                await asyncio.sleep(0.05)

    def _active(self, source: str, accounts: int) -> bool:
        try:
            policy = decode_policy((self._home / "run" / "policy" / f"{source}.json").read_bytes())
        except (FileNotFoundError, StorageError):
            return False
        return policy.active and len(policy.informed) >= accounts

    async def stop(self) -> None:
        """End it in order, by force after STOP_S."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)

    def _last_words(self) -> str:
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").strip().split("\n")
        return " | ".join(lines[-LOG_LINES_SHOWN:])


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
