"""At start: what the segment files hold beyond what heads.db remembers, and what a crash left half-written.

Called by the ledger before anything is appended. Must never drop a frame that may have been acknowledged: bytes
after the last good frame of a file go only when every shard still reaches its head without them.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quivive.ledger.frame import PREFIX_BYTES, FrameError, FrameHeader, check_frame, frame_length
from quivive.ledger.heads import FramePlace
from quivive.model.errors import StorageError


class LedgerDamagedError(StorageError):
    """Acknowledged frames are missing or altered: evidence is fatal, nothing is written over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFrame:
    """A good frame and where it lies."""

    header: FrameHeader
    place: FramePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class TornTail:
    """Bytes after the last good frame of a file: an append that never returned."""

    path: str
    start: int
    length: int


def segment_files(home: Path) -> Iterator[Path]:
    """Every segment file, in order of path."""
    folder = home / "segments"
    yield from sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else ()


def read_frames(home: Path, path: Path, start: int) -> Iterator[FoundFrame | TornTail]:
    """Read the frames of a file from `start`; a TornTail comes last, if at all.

    Raises:
        OSError: the file cannot be read.
    """
    relative = path.relative_to(home).as_posix()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        offset = start
        while offset < size:
            file.seek(offset)
            try:
                prefix = file.read(PREFIX_BYTES)
                length = frame_length(prefix)
                header = check_frame(prefix + file.read(length - len(prefix)))
            except FrameError:
                yield TornTail(path=relative, start=offset, length=size - offset)
                return
            yield FoundFrame(
                header=header,
                place=FramePlace(
                    shard=header.shard,
                    first=header.first,
                    count=header.count,
                    path=relative,
                    start=offset,
                    length=length,
                ),
            )
            offset += length


def scan(home: Path, extents: dict[str, int]) -> tuple[list[FoundFrame], list[TornTail]]:
    """Find frames that the index does not know, and torn tails.

    Raises:
        LedgerDamagedError: a file is shorter than what was acknowledged in it, or is gone.
        StorageError: a file cannot be read.
    """
    frames: list[FoundFrame] = []
    tails: list[TornTail] = []
    seen: set[str] = set()
    try:
        for path in segment_files(home):
            relative = path.relative_to(home).as_posix()
            seen.add(relative)
            known = extents.get(relative, 0)
            size = path.stat().st_size
            if size < known:
                raise LedgerDamagedError(f"{relative}: {size} bytes, but {known} were acknowledged")
            if size == known:
                continue
            for found in read_frames(home, path, known):
                if isinstance(found, TornTail):
                    tails.append(found)
                else:
                    frames.append(found)
    except OSError as error:
        raise StorageError(f"cannot read the segments: {error.strerror}") from error
    missing = sorted(set(extents) - seen)
    if missing:
        raise LedgerDamagedError(f"{missing[0]}: the segment file is gone ({len(missing)} in all)")
    return frames, tails


def cut(home: Path, tail: TornTail) -> None:
    """Cut a torn tail off, durably.

    Raises:
        StorageError: the disk refused.
    """
    try:
        fd = os.open(home / tail.path, os.O_WRONLY)
        try:
            os.ftruncate(fd, tail.start)
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise StorageError(f"cannot cut {tail.path}: {error.strerror}") from error


def read_place(home: Path, place: FramePlace) -> bytes:
    """Read one frame's bytes.

    Raises:
        StorageError: they cannot be read.
    """
    try:
        fd = os.open(home / place.path, os.O_RDONLY)
        try:
            return os.pread(fd, place.length, place.start)
        finally:
            os.close(fd)
    except OSError as error:
        raise StorageError(f"cannot read {place.path}: {error.strerror}") from error


def rewrite(home: Path, place: FramePlace) -> None:
    """Write a frame over itself and sync it: a crash between write and fdatasync leaves it in memory only.

    Raises:
        StorageError: the disk refused.
    """
    data = read_place(home, place)
    try:
        fd = os.open(home / place.path, os.O_WRONLY)
        try:
            os.pwrite(fd, data, place.start)
            os.fdatasync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise StorageError(f"cannot write {place.path}: {error.strerror}") from error
