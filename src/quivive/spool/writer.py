"""The writing end of a spool: one process, one source, one epoch (ADR 0005).

Called by relays, the intake and the core's own source. Single-threaded except for `SyncJob.run`.
Must never acknowledge what is not on disk, never skip a number, never trust a file after a failed fdatasync.

Contract: `append` numbers and buffers; `flush` hands to the page cache (survives kill -9); `sync` makes
everything before it durable (survives a power cut). A StorageError acknowledges nothing and loses nothing:
what was buffered stays buffered, and the next `flush` or `sync` tries again.
"""

import fcntl
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.spool import folder
from quivive.spool.durable import make_directories, sync_directory, write_all, write_atomic
from quivive.spool.reader import last_record
from quivive.spool.record import CLEAN_MARKER, MAGIC, MAX_FILE_BYTES, PreviousEpoch, RecordHead

MAX_HELD_BYTES: Final = 32 * 1024 * 1024
"""Bytes kept in memory until durable: two files; beyond it `append` refuses (disk full or too slow)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncJob:
    """One fdatasync round: may run in a worker thread, touches nothing but its descriptors."""

    descriptors: Sequence[int]
    retired: int
    upto: int

    def run(self) -> None:
        """Make the files durable.

        Raises:
            OSError: the kernel could not write; nothing of this job is acknowledged.
        """
        for descriptor in self.descriptors:
            os.fdatasync(descriptor)


class SpoolWriter:
    """See the module's contract. Build with `open`."""

    def __init__(self, root: Path, source: str, epoch: int, previous: PreviousEpoch | None, lock: int) -> None:
        self.source = source
        self.epoch = epoch
        self.previous = previous
        self._folder = root / source / str(epoch)
        self._lock = lock
        self._heads: dict[tuple[EntryKind, str, str], RecordHead] = {}  # kinds × controllers of one source: few
        self._seq = 0
        self._durable_seq = 0
        self._pending: list[tuple[int, bytes]] = []  # last number and its bytes, one event or many; not yet written
        self._written: deque[tuple[int, bytes]] = deque()  # written, not yet durable
        self._held = 0
        self._number = 0
        self._fd: int | None = None
        self._offset = 0
        self._retired: list[int] = []  # full files, still to be made durable and closed

    @classmethod
    def open(cls, spool_root: Path, source: str, now: int) -> "SpoolWriter":
        """Begin a new epoch: max(now, last epoch + 1), in microseconds.

        Raises:
            StorageError: another process writes this source, or the folder cannot be written.
        """
        source_folder = spool_root / source
        try:
            make_directories(source_folder)
            lock = os.open(source_folder / folder.LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _storage_error("open the spool of", source, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise StorageError(f"spool of {source}: another process writes it") from error
        try:
            known = folder.epochs(source_folder)
            previous = _previous(source_folder, known[-1]) if known else None
            epoch = max(now, known[-1] + 1) if known else now
            writer = cls(spool_root, source, epoch, previous, lock)
            make_directories(writer._folder)
        except OSError as error:
            os.close(lock)
            raise _storage_error("open the spool of", source, error) from error
        return writer

    @property
    def durable_seq(self) -> int:
        """Last number that a power cut cannot take."""
        return self._durable_seq

    @property
    def last_seq(self) -> int:
        """Last number given out."""
        return self._seq

    @property
    def dirty(self) -> bool:
        """Whether something given out is not yet durable."""
        return self._durable_seq < self._seq

    def append(self, *, kind: EntryKind, captured_at: int, controller: str, key_id: str, body: bytes) -> int:
        """Number an event and hold it in memory; nothing is acknowledged yet.

        Raises:
            StorageError: MAX_HELD_BYTES are already waiting for the disk.
            RecordError: the event is larger than a record may be.
        """
        self.check_room()
        seq = self._seq + 1
        data = self._head(kind, controller, key_id).encode(seq, captured_at, body)
        self._seq = seq
        self._pending.append((seq, data))
        self._held += len(data)
        return seq

    def extend(self, *, kind: EntryKind, controller: str, key_id: str, events: Sequence[tuple[int, bytes]]) -> None:
        """Number and hold many small events (instant, body) at once; the caller has asked `check_room`."""
        data = self._head(kind, controller, key_id).encode_many(self._seq + 1, events)
        self._seq += len(events)
        self._pending.append((self._seq, data))
        self._held += len(data)

    def check_room(self) -> None:
        """See `append`.

        Raises:
            StorageError: MAX_HELD_BYTES are already waiting for the disk.
        """
        if self._held >= MAX_HELD_BYTES:
            raise StorageError(f"spool of {self.source}: {self._held} bytes wait for the disk")

    def _head(self, kind: EntryKind, controller: str, key_id: str) -> RecordHead:
        head = self._heads.get((kind, controller, key_id))
        if head is None:
            head = RecordHead(kind=kind, source=self.source, epoch=self.epoch, controller=controller, key_id=key_id)
            self._heads[kind, controller, key_id] = head
        return head

    def flush(self) -> None:
        """Hand everything appended to the kernel.

        Raises:
            StorageError: the disk refused; the events stay in memory and the next flush tries again.
        """
        if not self._pending:
            return
        try:
            if self._fd is None or self._offset >= MAX_FILE_BYTES:
                self._rotate()
            self._write(b"".join(data for _, data in self._pending))
        except OSError as error:
            raise _storage_error("write to the spool of", self.source, error) from error
        self._written.extend(self._pending)
        self._pending.clear()

    def sync(self) -> None:
        """Flush, then make everything appended durable.

        Raises:
            StorageError: nothing new is acknowledged; a later call tries again.
        """
        self.flush()
        job = self.begin_sync()
        if job is None:
            return
        try:
            job.run()
        except OSError as error:
            self.fail_sync(job)
            raise _storage_error("sync the spool of", self.source, error) from error
        self.finish_sync(job)

    def begin_sync(self) -> SyncJob | None:
        """Describe the fdatasync that makes everything flushed durable; None when nothing is owed."""
        if not self._written:
            return None
        live = [] if self._fd is None else [self._fd]
        return SyncJob(descriptors=(*self._retired, *live), retired=len(self._retired), upto=self._written[-1][0])

    def finish_sync(self, job: SyncJob) -> None:
        """Acknowledge a job that ran."""
        for descriptor in self._retired[: job.retired]:
            os.close(descriptor)
        del self._retired[: job.retired]
        while self._written and self._written[0][0] <= job.upto:
            self._held -= len(self._written.popleft()[1])
        self._durable_seq = max(self._durable_seq, job.upto)

    def fail_sync(self, job: SyncJob) -> None:
        """Distrust the files of a job that failed: its events are written again, into a new file.

        After a failed fdatasync the kernel may drop the pages and call them clean; a second call would
        lie. The reader skips numbers it has already seen.
        """
        del job
        for descriptor in (*self._retired, *([] if self._fd is None else [self._fd])):
            os.close(descriptor)
        self._retired.clear()
        self._fd = None
        self._pending[:0] = self._written
        self._written.clear()

    def close(self) -> None:
        """Make everything durable, mark the epoch clean, release the source.

        Raises:
            StorageError: the epoch stays unclean and the source stays held; `abandon` gives up.
        """
        self.sync()
        try:
            write_atomic(self._folder / CLEAN_MARKER, b"")
        except OSError as error:
            raise _storage_error("close the spool of", self.source, error) from error
        self.abandon()

    def abandon(self) -> None:
        """Release the files without a promise: the next writer finds the epoch unclean unless `close` marked it."""
        for descriptor in (*self._retired, *([] if self._fd is None else [self._fd])):
            os.close(descriptor)
        self._retired.clear()
        self._fd = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _rotate(self) -> None:
        path = self._folder / folder.file_name(self._number + 1)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write_all(fd, MAGIC)
            sync_directory(self._folder)
        except OSError:
            os.close(fd)
            raise
        if self._fd is not None:
            self._retired.append(self._fd)
        self._fd, self._offset, self._number = fd, len(MAGIC), self._number + 1

    def _write(self, data: bytes) -> None:
        assert self._fd is not None
        try:
            write_all(self._fd, data)
        except OSError:
            # Take back a half-written record: the reader must never meet it followed by a good one.
            os.ftruncate(self._fd, self._offset)
            os.lseek(self._fd, self._offset, os.SEEK_SET)
            raise
        self._offset += len(data)


def _previous(source_folder: Path, epoch: int) -> PreviousEpoch:
    """Look at the newest epoch before ours; a folder without records ends when it began."""
    epoch_folder = source_folder / str(epoch)
    last = last_record(epoch_folder)
    return PreviousEpoch(
        epoch=epoch,
        clean=(epoch_folder / CLEAN_MARKER).exists(),
        last_seq=last.seq if last else 0,
        last_captured_at=max(epoch, last.captured_at) if last else epoch,
    )


def _storage_error(verb: str, source: str, error: OSError) -> StorageError:
    return StorageError(f"cannot {verb} {source}: {error.strerror}")
