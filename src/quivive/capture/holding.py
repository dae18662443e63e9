"""Bytes held until their trace is durable: the strict mode's door, one per direction of a connection.

Called by `postgres_proxy`. Must never let bytes overtake each other, and never hold more than the reads that were under
way: the side that feeds it is paused while it holds. Plain calls, no task: the spool calls back when it has synced.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from quivive.capture.context import RelayContext
from quivive.model.errors import StorageError

MAX_HELD_BYTES: Final = 256 << 10
"""Bytes held before the feeding side is paused: one read of the loop."""
UNRECORDED: Final = -1
"""Barrier of bytes whose trace the spool did not take."""


class Door:
    """Passes bytes in order, each once its spool number is durable.

    `refuse` is called once, in a closed source, when a trace could not be written: the connection ends there.
    """

    __slots__ = ("_after", "_bytes", "_context", "_held", "_pause", "_paused", "_refuse", "_resume", "_write")

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
        self._after: list[Callable[[], None]] = []

    def put(self, data: bytes, barrier: int) -> None:
        """Pass `data` when everything up to `barrier` is durable."""
        if not data:
            return
        held = self._held
        if not held and 0 <= barrier <= self._context.spool.durable_seq:
            self._write(data)
            return
        held.append((data, barrier))
        self._bytes += len(data)
        if self._bytes > MAX_HELD_BYTES and not self._paused:
            self._paused = True
            self._pause()
        if len(held) == 1:
            self._next()

    def when_empty(self, call: Callable[[], None]) -> None:
        """Call once nothing is held any more."""
        if self._held:
            self._after.append(call)
        else:
            call()

    def _next(self) -> None:
        """Pass what may pass, then wait for the next."""
        held, spool = self._held, self._context.spool
        while held:
            data, barrier = held[0]
            if barrier == UNRECORDED and self._context.facts.closed:
                self._shut()
                break
            if barrier > spool.durable_seq:
                spool.when_durable(barrier, self._told)
                return
            self._pass(data)
        waiting, self._after = self._after, []
        for call in waiting:
            call()

    def _told(self, error: StorageError | None) -> None:
        if error is not None:
            if self._context.facts.closed:
                self._held[0] = (b"", UNRECORDED)
            else:
                self._context.let_through()
                self._pass(self._held[0][0])
        self._next()

    def _pass(self, data: bytes) -> None:
        self._held.popleft()
        self._bytes -= len(data)
        self._write(data)
        if self._paused and self._bytes <= MAX_HELD_BYTES:
            self._paused = False
            self._resume()

    def _shut(self) -> None:
        self._held.clear()
        self._bytes = 0
        self._refuse()
