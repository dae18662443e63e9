"""Group commit for asyncio: many tasks append, one fdatasync answers them all (DESIGN §6, "Intent before outcome").

Called by relays, the intake and the console's acts. Must never block the loop on a slow fdatasync, never lose a
waiter: each gets its number durable or a StorageError.

What was appended goes to the kernel at the end of the loop tick, or, when that was done less than FLUSH_INTERVAL_S ago
and nobody waits, together with what comes until then (a tick of its own costs more than the entry). While dirty, a
worker thread runs fdatasync at most every SYNC_INTERVAL_S, and at once when somebody waits for it (strict relays,
acts). After a failure the events stay in memory and are tried again every RETRY_INTERVAL_S. A spool opened `inline`
(strict relays) runs fdatasync in the tick itself as long as the disk answers within MAX_INLINE_S on average: handing
it to a thread and back costs more.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.spool.writer import SpoolWriter, SyncJob

SYNC_INTERVAL_S: Final = 0.005
"""Loss window of `observe` after a power cut (DESIGN §6)."""
FLUSH_INTERVAL_S: Final = 0.001
"""Loss window of `observe` after kill -9 under load; at rest it is the loop tick (ADR 0005)."""
RETRY_INTERVAL_S: Final = 0.25
"""Pause before a full or failing disk is tried again."""
MAX_INLINE_S: Final = SYNC_INTERVAL_S
"""Mean time of fdatasync up to which it may run on the loop (a local SSD: 0.05 to 2 ms)."""
ASIDE_SYNCS: Final = 256
"""Syncs handed to a thread before the loop tries a slow disk again."""

Waiter = Callable[[StorageError | None], None]
"""Called once: None when the number is on disk, else why it is not. Must not raise."""


class Burst(Protocol):
    """Encodes events that are told while a loop tick lasts and written when it ends."""

    kind: EntryKind
    controller: str
    key_id: str

    def encode(self, facts: Sequence[Any]) -> list[tuple[int, bytes]]:
        """(Instant, body) of each, in order; must not raise."""


class AsyncSpool:
    """One writer shared by the tasks of one loop. `close` it before the loop ends."""

    def __init__(self, writer: SpoolWriter, *, inline: bool = False) -> None:
        self.writer = writer
        self._inline = inline
        self._sync_s = 0.0  # moving mean of fdatasync on the loop
        self._aside = 0  # syncs still to be run in a thread
        self._waiters: list[tuple[int, Waiter]] = []
        self._later: list[Any] = []  # numbered, to be encoded by `_burst`
        self._burst: Burst | None = None
        self._tick: asyncio.Handle | None = None
        self._at_once = False  # `_tick` is due in this tick, not after the interval
        self._flushed_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Future[None] | None = None
        self._last_sync_at = float("-inf")
        self._closed = False
        self.failure: StorageError | None = None
        """The last failure, None once the disk took everything: the source's health and its `gap`."""

    def append(self, *, kind: EntryKind, captured_at: int, controller: str, key_id: str, body: bytes) -> int:
        """Number an event; it reaches the kernel in this loop tick.

        Raises:
            StorageError: too much already waits for the disk.
        """
        if self._later:
            self._encode()
        seq = self.writer.append(kind=kind, captured_at=captured_at, controller=controller, key_id=key_id, body=body)
        if self._tick is None:
            self._due()
        return seq

    def later(self, burst: Burst, fact: Any) -> int:
        """Number an event that `burst` encodes when this loop tick ends, together with its like.

        Raises:
            StorageError: too much already waits for the disk.
        """
        later = self._later
        if not later or burst is not self._burst:
            self.writer.check_room()
            self._encode()
            later, self._burst = self._later, burst
        later.append(fact)
        if self._tick is None:
            self._due()
        return self.writer.last_seq + len(later)

    def _encode(self) -> None:
        burst, facts = self._burst, self._later
        if burst is not None and facts:
            self._later = []
            self.writer.extend(
                kind=burst.kind, controller=burst.controller, key_id=burst.key_id, events=burst.encode(facts)
            )

    @property
    def durable_seq(self) -> int:
        """Last number that a power cut cannot take."""
        return self.writer.durable_seq

    async def durable(self, seq: int) -> None:
        """Wait until `seq` is on disk.

        Raises:
            StorageError: the disk refused; the event is kept and tried again, but was not acknowledged.
        """
        if seq <= self.writer.durable_seq:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell(error: StorageError | None) -> None:
            if future.done():
                return  # the waiter was cancelled
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.when_durable(seq, tell)
        await future

    def when_durable(self, seq: int, waiter: Waiter) -> None:
        """Call `waiter` once `seq`, beyond `durable_seq`, is on disk or the disk refused; never before this returns."""
        self._waiters.append((seq, waiter))
        if self._timer is not None and self.failure is None:
            self._timer.cancel()  # somebody waits: the interval is for those who do not
            self._timer = None
        if self._tick is not None and not self._at_once:
            self._tick.cancel()
            self._tick = None
        if self._tick is None and self._timer is None and self._running is None:
            self._due()

    def _due(self) -> None:
        """Let `_flush` come: in this tick where somebody waits or may be about to, else once an interval."""
        loop = asyncio.get_running_loop()
        left = self._flushed_at + FLUSH_INTERVAL_S - loop.time()
        self._at_once = self._inline or left <= 0 or bool(self._waiters)
        self._tick = loop.call_soon(self._flush) if self._at_once else loop.call_later(left, self._flush)

    async def close(self) -> None:
        """Make everything durable and mark the epoch clean.

        Raises:
            StorageError: the disk still refuses; the epoch stays unclean.
        """
        self._closed = True
        for handle in (self._tick, self._timer):
            if handle is not None:
                handle.cancel()
        self._tick = self._timer = None
        if self._running is not None:
            await asyncio.wait([self._running])
            await asyncio.sleep(0)  # let its callback acknowledge
        self._encode()
        try:
            self.writer.close()
        except StorageError as error:
            self._fail(error)
            raise
        self._release()

    def _flush(self) -> None:
        self._tick = None
        self._flushed_at = asyncio.get_running_loop().time()
        self._encode()
        try:
            self.writer.flush()
        except StorageError as error:
            self._fail(error)
            return
        self._schedule_sync()

    def _schedule_sync(self) -> None:
        if self._running is not None or self._timer is not None or self._closed or not self.writer.dirty:
            return
        loop = asyncio.get_running_loop()
        delay = 0.0 if self._waiters else self._last_sync_at + SYNC_INTERVAL_S - loop.time()
        if delay <= 0:
            self._sync()
        else:
            self._timer = loop.call_later(delay, self._sync)

    def _sync(self) -> None:
        self._timer = None
        self._encode()
        try:
            self.writer.flush()
        except StorageError as error:
            self._fail(error)
            return
        job = self.writer.begin_sync()
        if job is None:
            return
        loop = asyncio.get_running_loop()
        self._last_sync_at = loop.time()
        if self._inline and self._aside == 0:
            started = time.perf_counter()  # uvloop's own time stands still within a tick
            try:
                job.run()
            except OSError as error:
                self._synced(job, error)
            else:
                self._measure(time.perf_counter() - started)
                self._synced(job, None)
            return
        self._aside = max(0, self._aside - 1)
        self._running = loop.run_in_executor(None, job.run)
        self._running.add_done_callback(lambda done: self._synced(job, done.exception()))

    def _measure(self, seconds: float) -> None:
        """A slow disk sends the next syncs aside; one inline then tells whether it still is."""
        self._sync_s += (seconds - self._sync_s) / 8
        if self._sync_s > MAX_INLINE_S:
            self._sync_s, self._aside = MAX_INLINE_S, ASIDE_SYNCS

    def _synced(self, job: SyncJob, error: BaseException | None) -> None:
        self._running = None
        if error is None:
            self.writer.finish_sync(job)
            self.failure = None
            self._release()
            self._schedule_sync()
            return
        self.writer.fail_sync(job)
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        self._fail(StorageError(f"cannot sync the spool of {self.writer.source}: {reason}"))

    def _release(self) -> None:
        durable = self.writer.durable_seq
        waiters, self._waiters = self._waiters, []  # a waiter may append and wait again
        for seq, waiter in waiters:
            if seq > durable:
                self._waiters.append((seq, waiter))
            else:
                waiter(None)

    def _fail(self, error: StorageError) -> None:
        """Tell every waiter, and try again later: the events themselves stay."""
        self.failure = error
        waiters, self._waiters = self._waiters, []
        for _, waiter in waiters:
            waiter(error)
        if not self._closed and self._timer is None and self._running is None:
            self._timer = asyncio.get_running_loop().call_later(RETRY_INTERVAL_S, self._sync)
