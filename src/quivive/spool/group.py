"""Group commit for asyncio: many tasks append, one fdatasync answers them all (DESIGN §6, "Intent before outcome").

Called by relays, the intake and the console's acts. Must never block the loop on fdatasync, never lose a waiter:
each gets its number durable or a StorageError.

Each loop tick hands what was appended to the kernel; while dirty, a worker thread runs fdatasync at most
every SYNC_INTERVAL_S, and at once when somebody waits for it (strict relays, acts). After a failure the events stay in memory and are tried again every RETRY_INTERVAL_S.
"""

import asyncio
from typing import Final

from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.spool.writer import SpoolWriter, SyncJob

SYNC_INTERVAL_S: Final = 0.005
"""Loss window of `observe` after a power cut (DESIGN §6)."""
RETRY_INTERVAL_S: Final = 0.25
"""Pause before a full or failing disk is tried again."""


class AsyncSpool:
    """One writer shared by the tasks of one loop. `close` it before the loop ends."""

    def __init__(self, writer: SpoolWriter) -> None:
        self.writer = writer
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._tick: asyncio.Handle | None = None
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
        seq = self.writer.append(kind=kind, captured_at=captured_at, controller=controller, key_id=key_id, body=body)
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_soon(self._flush)
        return seq

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
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((seq, waiter))
        if self._timer is not None and self.failure is None:
            self._timer.cancel()  # somebody waits: the interval is for those who do not
            self._timer = None
        if self._tick is None and self._timer is None and self._running is None:
            self._tick = asyncio.get_running_loop().call_soon(self._flush)
        await waiter

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
        try:
            self.writer.close()
        except StorageError as error:
            self._fail(error)
            raise
        self._release()

    def _flush(self) -> None:
        self._tick = None
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
        self._running = loop.run_in_executor(None, job.run)
        self._running.add_done_callback(lambda done: self._synced(job, done))

    def _synced(self, job: SyncJob, done: "asyncio.Future[None]") -> None:
        self._running = None
        error = done.exception()
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
        still = []
        for seq, waiter in self._waiters:
            if seq > durable:
                still.append((seq, waiter))
            elif not waiter.done():
                waiter.set_result(None)
        self._waiters = still

    def _fail(self, error: StorageError) -> None:
        """Tell every waiter, and try again later: the events themselves stay."""
        self.failure = error
        waiters, self._waiters = self._waiters, []
        for _, waiter in waiters:
            if not waiter.done():
                waiter.set_exception(error)
        if not self._closed and self._timer is None and self._running is None:
            self._timer = asyncio.get_running_loop().call_later(RETRY_INTERVAL_S, self._sync)
