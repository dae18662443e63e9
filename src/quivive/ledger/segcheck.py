"""Checks segment files: checksums, places, order, doubles; and with keys each event against its commitment.

Called by `verify`, offline. Must never call an event valid that it could not open. Reads through a memory map;
goes on behind damage, so that one altered byte is not taken for many.
"""

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from quivive.ledger.certcheck import Missing, certificates_in
from quivive.ledger.commitment import ENTRY_BYTES, Committer
from quivive.ledger.finding import Finding, FindingCode
from quivive.ledger.frame import MAGIC, PREFIX_BYTES, FrameError, FrameHeader, check_frame, frame_length, open_frame
from quivive.ledger.intervals import Intervals
from quivive.model.errors import StorageError
from quivive.privacy.keyring import DayKey


class DayKeys(Protocol):
    """What opens a day."""

    def find_day_key(self, controller: str, retention_class: str, day: str) -> DayKey | None:
        """Key of a day, None when there is none."""


@dataclass(frozen=True, slots=True, order=True)
class FrameAt:
    """A good frame: indices [first, first + count), at `start` of the file."""

    first: int
    count: int
    path: str
    start: int
    length: int


@dataclass(slots=True, kw_only=True)
class Segments:
    """What the scan of all files found. `shards` maps a log id and month to its frames."""

    shards: dict[tuple[str, str], list[FrameAt]] = field(default_factory=dict)
    controllers: dict[str, str] = field(default_factory=dict)  # log id → controller
    seen: dict[tuple[str, int], Intervals] = field(default_factory=dict)


def scan_segments(home: Path, controller: str | None) -> Iterator[Finding | Segments]:
    """Check every frame's bytes; the last item is what was found."""
    found = Segments()
    root = home / "segments" / (controller or "")
    for folder, folders, files in os.walk(root):
        folders.sort()
        for file in sorted(files):
            yield from _scan_file(home, Path(folder) / file, found)
    for frames in found.shards.values():
        frames.sort()
    yield found


def _scan_file(home: Path, path: Path, found: Segments) -> Iterator[Finding]:
    relative = path.relative_to(home).as_posix()
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        offset = 0
        while offset < len(data):
            try:
                length = frame_length(data[offset : offset + PREFIX_BYTES])
                header = check_frame(data[offset : offset + length])
            except FrameError as error:
                following = _next_good(data, offset)
                code = FindingCode.SEGMENT_TAIL if following == len(data) else FindingCode.SEGMENT_DAMAGED
                place = f"{relative} at {offset}"
                yield Finding(code=code, place=place, detail=f"{following - offset} bytes: {error}")
                offset = following
                continue
            yield from _take(header, relative, FrameAt(header.first, header.count, relative, offset, length), found)
            offset += length


def _next_good(data: mmap.mmap, damaged: int) -> int:
    """Where the next whole frame begins, or the end of the file."""
    at = data.find(MAGIC, damaged + 1)
    while at != -1:
        try:
            check_frame(data[at : at + frame_length(data[at : at + PREFIX_BYTES])])
        except FrameError:
            at = data.find(MAGIC, at + 1)
        else:
            return at
    return len(data)


def _take(header: FrameHeader, path: str, frame: FrameAt, found: Segments) -> Iterator[Finding]:
    place = f"{path} at {frame.start}, {header.shard} index {frame.first}"
    if path != f"segments/{header.controller}/{header.retention_class}/{header.day}":
        yield Finding(code=FindingCode.SEGMENT_MOVED, place=place, detail="the frame belongs to another file")
    month = header.shard.rpartition("/")[2]
    found.shards.setdefault((header.log, month), []).append(frame)
    found.controllers[header.log] = header.controller
    numbered = 0
    for source, epoch, ranges in header.sources:
        seen = found.seen.setdefault((source, epoch), Intervals())
        for start, end in ranges:
            numbered += end - start + 1
            if seen.overlaps(start, end):
                detail = f"{source}/{epoch}/{start} stands twice"
                yield Finding(code=FindingCode.EVENT_DOUBLED, place=place, detail=detail)
            seen.add(start, end)
    if numbered != header.count:
        detail = "the header counts other events than it names"
        yield Finding(code=FindingCode.SEGMENT_DAMAGED, place=place, detail=detail)


class PayloadCheck:
    """Walks one shard's frames beside its log: `entry` is called for each index in order, then `finish`."""

    def __init__(self, *, home: Path, shard: str, origin: str, frames: list[FrameAt], keys: DayKeys | None) -> None:
        self._home, self._shard, self._keys = home, shard, keys
        self._committer = Committer(origin)
        self._frames = iter(frames)
        self._frame: FrameAt | None = next(self._frames, None)
        self._events: list[tuple[bytes, bytes]] | None = None
        self._opened: FrameAt | None = None
        self._missing: tuple[int, int] | None = None
        self.missing: list[Missing] = []
        self.certificates: list[dict[str, Any]] = []
        self._altered: tuple[FrameAt, int, int] | None = None
        self.unpublished = 0
        self.first_event: bytes | None = None  # the event at index 0, once opened and as committed

    def entry(self, index: int, data: bytes) -> Iterator[Finding]:
        """Check one log entry against the event that a frame holds for it."""
        if len(data) != ENTRY_BYTES or data[0] != 1:
            detail = "an entry of another length or type than a commitment"
            yield Finding(code=FindingCode.ENTRY_MALFORMED, place=f"{self._shard} index {index}", detail=detail)
        while self._frame is not None and index >= self._frame.first + self._frame.count:
            yield from self._close_altered()
            self._frame = next(self._frames, None)
            if self._frame is not None and self._frame.first < index:
                place = f"{self._frame.path} at {self._frame.start}, {self._shard} index {self._frame.first}"
                yield Finding(code=FindingCode.INDEX_DOUBLED, place=place, detail="two frames hold the same index")
        if self._frame is None or index < self._frame.first:
            self._missing = (self._missing[0] if self._missing else index, index)
            return
        self._close_missing()
        if self._keys is not None:
            yield from self._compare(self._frame, index, data)

    def finish(self, size: int) -> Iterator[Finding]:
        """After the last published entry: what is left must follow without a hole."""
        yield from self._close_altered()
        self._close_missing()
        following = size
        while self._frame is not None:
            if self._frame.first > following:
                self._missing = (following, self._frame.first - 1)
                self._close_missing()
            following = max(following, self._frame.first + self._frame.count)
            if self._keys is not None and self._opened != self._frame:
                yield from self._open(self._frame)
            self._frame = next(self._frames, None)
        self.unpublished = following - size

    def _compare(self, frame: FrameAt, index: int, data: bytes) -> Iterator[Finding]:
        if self._opened != frame:
            yield from self._open(frame)
        if self._events is None:
            return
        salt, event = self._events[index - frame.first]
        if self._committer.log_entry(index, salt, event) != data:
            if self._altered is None:
                self._altered = (frame, index, index)
            self._altered = (frame, self._altered[1], index)
            return
        if index == 0:
            self.first_event = event
        self.certificates += certificates_in(event)

    def _open(self, frame: FrameAt) -> Iterator[Finding]:
        self._opened, self._events = frame, None
        place = f"{frame.path} at {frame.start}, {self._shard} index {frame.first} to {frame.first + frame.count - 1}"
        controller, retention_class, day = frame.path.split("/")[-3:]
        assert self._keys is not None
        try:
            key = self._keys.find_day_key(controller, retention_class, day)
        except StorageError as error:
            yield Finding(code=FindingCode.UNREADABLE, place=place, detail=f"payload not checked: {error}")
            return
        if key is None:
            yield Finding(code=FindingCode.PAYLOAD_NOT_CHECKED, place=place, detail="payload not checked: no day key")
            return
        try:
            with (self._home / frame.path).open("rb") as file:
                file.seek(frame.start)
                self._events = open_frame(file.read(frame.length), key.key)
        except FrameError as error:
            yield Finding(code=FindingCode.PAYLOAD_ALTERED, place=place, detail=str(error))

    def _close_missing(self) -> None:
        if self._missing is not None:
            self.missing.append(Missing(shard=self._shard, first=self._missing[0], last=self._missing[1]))
            self._missing = None

    def _close_altered(self) -> Iterator[Finding]:
        if self._altered is not None:
            frame, first, last = self._altered
            self._altered = None
            place = f"{frame.path} at {frame.start}, {self._shard} index {first} to {last}"
            yield Finding(code=FindingCode.PAYLOAD_ALTERED, place=place, detail="not what the log has committed to")
