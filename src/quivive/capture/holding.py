"""Bytes held until their trace is durable: the strict mode's door, one per direction of a connection.

Called by `postgres_proxy`. Must never let bytes overtake each other, and never hold more than the reads that were under
way: the side that feeds it is paused while it holds.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from quivive.capture.context import RelayContext
from quivive.model.errors import StorageError

MAX_HELD_BYTES: Final = 256 << 10
"""Bytes held before the feeding side is paused: one read of the loop."""


class Door:
    """Passes bytes in order, each once its spool number is durable.

    `refuse` is called once, in a closed source, when a trace could not be written: the connection ends there.
    """

    def __init__(
        self,
        context: RelayContext,
        write: Callable[[bytes], None],
        refuse: Callable[[], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        self._context = context
        self._write = write
        self._refuse = refuse
        self._pause = pause
        self._resume = resume
        self._held: deque[tuple[bytes, int]] = deque()
        self._bytes = 0
        self._paused = False
        self._pump: asyncio.Task[None] | None = None
        self._after: list[Callable[[], None]] = []

    def put(self, data: bytes, barrier: int) -> None:
        """Pass `data` when everything up to `barrier` is durable."""
        if not data:
            return
        if self._pump is None and barrier <= self._context.spool.durable_seq:
            self._write(data)
            return
        self._held.append((data, barrier))
        self._bytes += len(data)
        if self._bytes > MAX_HELD_BYTES and not self._paused:
            self._paused = True
            self._pause()
        if self._pump is None:
            self._pump = asyncio.ensure_future(self._run())

    def when_empty(self, call: Callable[[], None]) -> None:
        """Call once nothing is held any more."""
        if self._pump is None:
            call()
        else:
            self._after.append(call)

    async def _run(self) -> None:
        spool = self._context.spool
        while self._held:
            data, barrier = self._held[0]
            if barrier > spool.durable_seq:
                try:
                    await spool.durable(barrier)
                except StorageError:
                    if self._context.facts.closed:
                        self._held.clear()
                        self._refuse()
                        break
                    self._context.let_through()
            self._held.popleft()
            self._bytes -= len(data)
            self._write(data)
            if self._paused and self._bytes <= MAX_HELD_BYTES:
                self._paused = False
                self._resume()
        self._pump = None
        waiting, self._after = self._after, []
        for call in waiting:
            call()
