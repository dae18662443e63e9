"""One shard: a controller's month. Turns events into frames and counts what the log still lacks.

Called by the ledger, under its lock. Must never give an index twice and never write a frame before the one
before it is on disk: a crash leaves a prefix, without holes (ADR 0003).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.ledger.commitment import SALT_BYTES, Committer
from quivive.ledger.frame import FrameHeader, SourceRanges, encode_frame
from quivive.ledger.heads import FramePlace
from quivive.ledger.published import PublishedLog
from quivive.model.entry import KIND_CLASS, RetentionClass, SpoolEvent
from quivive.model.errors import StorageError
from quivive.privacy.keyring import DayKey
from quivive.privacy.sealing import NONCE_BYTES
from quivive.spool.durable import make_directories, sync_directory, write_all

MAX_FRAME_EVENTS: Final = 4_096
MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
"""A frame is closed beyond either: reading one entry opens one frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An event ready to be written: its bytes are final."""

    event: SpoolEvent
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Where a frame goes."""

    controller: str
    retention_class: RetentionClass
    day: str

    @property
    def path(self) -> str:
        """Path below the home."""
        return f"segments/{self.controller}/{self.retention_class}/{self.day}"


class Shard:
    """See the module's docstring. `next_index` counts durable entries, `pending` those not yet integrated."""

    def __init__(self, *, name: str, log_id: str, log: PublishedLog, home: Path) -> None:
        self.name, self.log_id, self.log = name, log_id, log
        self.controller, _, self.month = name.partition("/")
        self.next_index = log.size
        self.pending: list[bytes] = []
        self.published_at = 0
        self.committer = Committer(log.origin)
        self._home = home

    def write(
        self, segment: Segment, prepared: Sequence[Prepared], sources: tuple[SourceRanges, ...], key: DayKey
    ) -> FramePlace:
        """Append one frame, durable on return. `sources` are the numbers of its events.

        Raises:
            StorageError: the disk refused; the file ends where it ended before.
        """
        salts = os.urandom(SALT_BYTES * len(prepared))
        header = FrameHeader(
            log=self.log_id,
            shard=self.name,
            retention_class=segment.retention_class,
            day=segment.day,
            first=self.next_index,
            count=len(prepared),
            sources=sources,
            key=key.id,
            nonce=os.urandom(NONCE_BYTES),
        )
        data = encode_frame(header, key.key, salts, [item.data for item in prepared])
        start = append_durably(self._home / segment.path, data)
        for position, item in enumerate(prepared):
            salt = salts[position * SALT_BYTES : (position + 1) * SALT_BYTES]
            self.pending.append(self.committer.log_entry(self.next_index + position, salt, item.data))
        self.next_index += len(prepared)
        return FramePlace(
            shard=self.name, first=header.first, count=header.count, path=segment.path, start=start, length=len(data)
        )


def group(prepared: Sequence[Prepared], days: Sequence[str]) -> list[tuple[Segment, list[Prepared]]]:
    """Split one controller's events by class and day, keeping their order, and cut groups to frame size.

    `days` holds each event's UTC day.
    """
    groups: dict[tuple[RetentionClass, str], list[Prepared]] = {}
    for item, day in zip(prepared, days, strict=True):
        groups.setdefault((KIND_CLASS[item.event.kind], day), []).append(item)
    frames: list[tuple[Segment, list[Prepared]]] = []
    for (retention_class, day), items in groups.items():
        segment = Segment(controller=items[0].event.controller, retention_class=retention_class, day=day)
        part: list[Prepared] = []
        size = 0
        for item in items:
            if part and (len(part) >= MAX_FRAME_EVENTS or size + len(item.data) > MAX_FRAME_BYTES):
                frames.append((segment, part))
                part, size = [], 0
            part.append(item)
            size += len(item.data) + SALT_BYTES
        frames.append((segment, part))
    return frames


def append_durably(path: Path, data: bytes) -> int:
    """Append to a segment file, durable on return; return where the data begins.

    After a failure the file is cut back: pages of a failed fdatasync are never trusted, the next attempt writes
    them anew.

    Raises:
        StorageError: the disk refused.
    """
    try:
        fresh = not path.exists()
        if fresh:
            make_directories(path.parent)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise StorageError(f"cannot open {path}: {error.strerror}") from error
    try:
        start = os.fstat(fd).st_size
        try:
            write_all(fd, data)
            os.fdatasync(fd)
            if fresh:
                sync_directory(path.parent)
        except OSError as error:
            os.ftruncate(fd, start)
            raise StorageError(f"cannot write {path}: {error.strerror}") from error
        return start
    finally:
        os.close(fd)
