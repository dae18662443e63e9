"""Follows an access log file that an application appends to: whole lines, rotation, a cursor that survives (DESIGN §6).

Run by the core, one follower per source of kind `access_file`; docs/access-file.md. Must never lose a line
silently: what cannot be read or is refused becomes a `gap`, with its line number in the log and never its text.

Contract: a line counts once its newline is there; the cursor moves only after the intake said *durable*, so a
crash reads some lines twice and the intake knows them. A rotated file is read to its end before the next one.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

import msgspec
import structlog

from quivive.model.access import GapBody, GapCause
from quivive.model.clock import SECOND_US, Micros, now_us, to_rfc3339
from quivive.model.errors import StorageError
from quivive.rows import MAX_ROW_BYTES, MAX_ROWS, RowError
from quivive.settings import SourceSettings
from quivive.spool.durable import write_atomic

MAX_CHUNK_BYTES: Final = MAX_ROW_BYTES + 1
"""Bytes read at once: the longest line a row may be, with its newline."""
MAX_LOGGED_REFUSALS: Final = 20
"""Refused lines logged one by one per chunk; the gap counts them all."""
POLL_S: Final = 0.25
"""Seconds between two looks at a file that has nothing new."""
RETRY_S: Final = 1.0
"""Seconds before a full disk is tried again."""
FINGERPRINT_BYTES: Final = 1_024
"""Bytes at the head of a file that tell it from another one that got the same inode."""

log = structlog.get_logger("quivive.access_file")


class FileCursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a file was read. `head` is a digest of its first bytes; `line` counts lines already taken."""

    inode: int
    offset: int
    line: int
    head: str


START: Final = FileCursor(inode=0, offset=0, line=0, head="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Whole lines. `first_line` counts from 1; `overlong`: lines too long, thrown away; `lost`: others may be."""

    data: bytes
    first_line: int
    after: FileCursor
    overlong: int = 0
    lost: bool = False


class FileReader:
    """Reads whole lines of one path across rotations. Synchronous; raises OSError as the system gives it."""

    def __init__(self, path: Path, cursor: FileCursor) -> None:
        self._path, self._cursor = path, cursor
        self._fd = -1
        self._lost = False  # lines may be missing before the next chunk
        self._idle = 0  # times in a row the end of a rotated file brought nothing new

    def next(self) -> Chunk | None:
        """Return the next whole lines, or None when there is nothing new. Call `taken` before the next call."""
        self._open()
        data = os.pread(self._fd, MAX_CHUNK_BYTES, self._cursor.offset)
        end = _whole_lines(data)
        if end:
            self._idle = 0
            return self._chunk(data[:end], end, data.count(b"\n", 0, end))
        if len(data) == MAX_CHUNK_BYTES:
            return self._overlong()
        return self._chunk(b"", 0, 0) if self._lost else self._at_end(data)

    def taken(self, chunk: Chunk) -> None:
        """Move behind a chunk that is durable."""
        self._cursor = chunk.after
        self._lost = False

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        """Make sure a file is open and is the one the cursor means; note when lines may have been lost."""
        if self._fd < 0:
            self._fd = self._find()
        if self._cursor.inode and not self._same_head(self._fd):
            # Cut or replaced in place (copytruncate): what stood behind our cursor is gone.
            self._lost = True
            self._cursor = START
        if not self._cursor.inode:
            self._cursor = msgspec.structs.replace(START, inode=os.fstat(self._fd).st_ino)

    def _find(self) -> int:
        """Open the file of the cursor under its present name, or else the current one from its start."""
        for path in (self._path, *self._siblings()) if self._cursor.inode else ():
            descriptor = os.open(path, os.O_RDONLY) if path.exists() else -1
            if descriptor >= 0:
                if os.fstat(descriptor).st_ino == self._cursor.inode and self._same_head(descriptor):
                    return descriptor
                os.close(descriptor)
        descriptor = os.open(self._path, os.O_RDONLY)
        self._lost = bool(self._cursor.inode)
        self._cursor = START
        return descriptor

    def _same_head(self, descriptor: int) -> bool:
        long_enough = os.fstat(descriptor).st_size >= self._cursor.offset
        return long_enough and _head(descriptor, self._cursor.offset) == self._cursor.head

    def _siblings(self) -> list[Path]:
        """Rotated files beside the path, oldest first; compressed ones cannot be resumed in."""
        found = [p for p in self._path.parent.glob(self._path.name + "[.-]*") if p.suffix not in {".gz", ".xz", ".zst"}]
        return sorted(found, key=lambda p: p.stat().st_mtime_ns)

    def _at_end(self, rest: bytes) -> Chunk | None:
        """Nothing more for now: wait, or go on to the next file once this one was rotated away and rests."""
        status = os.fstat(self._fd)
        try:
            rotated = self._path.stat().st_ino != status.st_ino
        except FileNotFoundError:
            return None  # renamed, the next one is not there yet
        if not rotated:
            self._idle = 0
            return None
        self._idle += 1
        if self._idle == 1:
            return None  # the writer may still hold the old file: look once more
        if rest:
            return self._chunk(rest, len(rest), 1)
        self._switch(status)
        return None

    def _switch(self, old: os.stat_result) -> None:
        later = [
            p for p in self._siblings() if p.stat().st_mtime_ns >= old.st_mtime_ns and p.stat().st_ino != old.st_ino
        ]
        descriptor = os.open((*later, self._path)[0], os.O_RDONLY)
        self.close()
        self._fd, self._idle = descriptor, 0
        self._cursor = msgspec.structs.replace(START, inode=os.fstat(descriptor).st_ino)

    def _overlong(self) -> Chunk | None:
        """Step over a line longer than a row may be; None while its newline is not there yet."""
        skipped = MAX_CHUNK_BYTES
        while data := os.pread(self._fd, MAX_CHUNK_BYTES, self._cursor.offset + skipped):
            newline = data.find(b"\n")
            if newline >= 0:
                return self._chunk(b"", skipped + newline + 1, 1, overlong=1)
            skipped += len(data)
        return None

    def _chunk(self, data: bytes, size: int, lines: int, *, overlong: int = 0) -> Chunk:
        offset, line = self._cursor.offset + size, self._cursor.line
        after = FileCursor(inode=self._cursor.inode, offset=offset, line=line + lines, head=_head(self._fd, offset))
        return Chunk(data=data, first_line=line + 1, after=after, overlong=overlong, lost=self._lost)


def _whole_lines(data: bytes) -> int:
    """Length of the whole lines at the start, at most MAX_ROWS of them."""
    end = data.rfind(b"\n") + 1
    if data.count(b"\n", 0, end) <= MAX_ROWS:
        return end
    position = 0
    for _ in range(MAX_ROWS):
        position = data.index(b"\n", position) + 1
    return position


def _head(descriptor: int, offset: int) -> str:
    size = min(offset, FINGERPRINT_BYTES)
    return sha256(os.pread(descriptor, size, 0)).hexdigest()[:16] if size else ""


class Report(Protocol):
    """What the follower reads of an intake report."""

    @property
    def refused(self) -> Sequence[RowError]: ...


class IntakePort(Protocol):
    """What the follower needs of the intake: both calls are durable on return."""

    async def take(self, *, kind: str, source: str, content_type: str, body: bytes) -> Report:
        """Take a batch."""

    async def record_gap(self, source: str, gap: GapBody) -> None:
        """Append a gap."""


class AccessFileFollower:
    """Follows the file of one source for the life of the core; `run` ends only by cancellation."""

    def __init__(
        self,
        home: Path,
        name: str,
        source: SourceSettings,
        intake: IntakePort,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._name, self._source, self._intake, self._clock = name, source, intake, clock
        self._state = home / "run" / "files" / f"{name}.json"
        self._reader = FileReader(home / source.path, load_cursor(self._state))
        self._looked_at = clock()  # last instant at which the file was read to its end
        self._beaten_at = 0
        self._blind = False

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                try:
                    moved = await self.step()
                except StorageError as error:
                    log.warning("access_file.not_durable", source=self._name, reason=str(error))
                    await asyncio.sleep(RETRY_S)
                    continue
                if not moved:
                    await asyncio.sleep(POLL_S)
        finally:
            self._reader.close()

    async def step(self) -> bool:
        """Take one chunk; False when there is nothing new.

        Raises:
            StorageError: nothing was acknowledged; the same chunk comes again.
        """
        now = self._clock()
        try:
            chunk = await asyncio.to_thread(self._reader.next)
        except OSError as error:
            if not self._blind:
                log.warning("access_file.unreadable", source=self._name, reason=error.strerror)
            self._blind = True
            self._reader.close()
            return False
        await self._seen_again(now)
        if chunk is None:
            self._looked_at = now
            await self._beat(now)
            return False
        await self._take(chunk, now)
        return True

    async def _take(self, chunk: Chunk, now: int) -> None:
        refused: Sequence[RowError] = ()
        if chunk.data:
            report = await self._intake.take(
                kind="accesses", source=self._name, content_type="application/x-ndjson", body=chunk.data
            )
            refused = report.refused
        for line in refused[:MAX_LOGGED_REFUSALS]:
            log.warning(
                "access_file.line_refused",
                source=self._name,
                line=chunk.first_line + line.row,
                field=line.field,
                expected=line.expected,
                found=line.found,
            )
        lost = -1 if chunk.lost else len(refused) + chunk.overlong
        if lost:
            await self._gap(GapCause.CODEC, lost, now)
        await asyncio.to_thread(save_cursor, self._state, chunk.after)
        self._reader.taken(chunk)

    async def _seen_again(self, now: int) -> None:
        """After a time without the file, say from when to when; a moment between two rotated files is none."""
        if not self._blind:
            return
        self._blind = False
        if now - self._looked_at > self._source.silent_after_s * SECOND_US:
            await self._gap(GapCause.CONNECTOR_DEAD, -1, now)

    async def _gap(self, cause: GapCause, lost: int, now: int) -> None:
        gap = GapBody(from_at=min(self._looked_at, now), to_at=now, cause=cause, lost=lost)
        await self._intake.record_gap(self._name, gap)

    async def _beat(self, now: int) -> None:
        """Say that everything the file held was delivered; the application's own buffer is beyond our sight."""
        if now - self._beaten_at < self._source.heartbeat_s * SECOND_US:
            return
        body = msgspec.json.encode({"complete_to": to_rfc3339(Micros(now))})
        await self._intake.take(kind="heartbeats", source=self._name, content_type="application/json", body=body)
        self._beaten_at = now


def load_cursor(path: Path) -> FileCursor:
    """Read the cursor; a missing or damaged one means the file from its start, which the intake makes harmless."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=FileCursor)
    except FileNotFoundError:
        return START
    except (OSError, msgspec.DecodeError) as error:
        log.warning("access_file.cursor_unreadable", state=path.name, reason=type(error).__name__)
        return START


def save_cursor(path: Path, cursor: FileCursor) -> None:
    """Write the cursor, whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, msgspec.json.encode(cursor))
    except OSError as error:
        raise StorageError(f"cursor of an access file cannot be written: {error.strerror}") from error
