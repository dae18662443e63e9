"""The reading end of a spool: follows files and epochs, reports what it cannot read (ADR 0005).

Called by the core, one reader per source, one thread. Must never acknowledge or alter a record: it only
deletes whole files that the ledger has taken (`drop_consumed`).

Contract: `poll(cursor, n)` returns at most n events after the cursor, in (epoch, seq) order, each once as long
as the caller goes on from the last one returned. Damage never stops the reading; it is handed out by
`take_damage` with its bounds, for the core to turn into a `gap`.
"""

import os
import shutil
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from quivive.model.entry import SpoolEvent
from quivive.model.errors import StorageError
from quivive.spool import folder
from quivive.spool.record import (
    CLEAN_MARKER,
    HEADER,
    MAGIC,
    MAX_PAYLOAD_BYTES,
    RecordError,
    SpoolCursor,
    SpoolDamage,
    decode_record,
    record_end,
)

READ_BYTES: Final = 1024 * 1024
"""Bytes read at a time."""
_LARGEST_RECORD: Final = HEADER.size + MAX_PAYLOAD_BYTES


class _Stop(Enum):
    """Why the scan of a block ended."""

    ENOUGH = auto()  # the caller's max_events
    SHORT = auto()  # the block ends inside a record, or exactly after one
    LOST = auto()  # an impossible length: no later record of this file can be found


@dataclass(slots=True, kw_only=True)
class _Place:
    """Where the reading stands: `cursor` has been handed out, the next record starts at `offset` of file `number`."""

    cursor: SpoolCursor
    number: int
    offset: int


@dataclass(slots=True, kw_only=True)
class _Damage:
    """Damage met, whose upper bound the next readable record gives."""

    file: str
    offset: int
    torn: bool


class SpoolReader:
    """See the module's contract."""

    def __init__(self, spool_root: Path, source: str) -> None:
        self.source = source
        self._folder = spool_root / source
        self._place = _Place(cursor=SpoolCursor(source=source), number=0, offset=0)
        self._handed = self._place.cursor  # what the caller hands back when it goes on
        self._open_damage: _Damage | None = None
        self._damage: list[SpoolDamage] = []

    def poll(self, cursor: SpoolCursor, max_events: int) -> list[SpoolEvent]:
        """Return what follows the cursor, possibly nothing yet.

        Raises:
            StorageError: a file cannot be read (not: is damaged).
        """
        if cursor != self._handed:
            self._place = _Place(cursor=cursor, number=0, offset=0)
            self._handed = cursor
            self._open_damage = None
        events: list[SpoolEvent] = []
        try:
            for epoch in folder.epochs(self._folder):
                if epoch < self._place.cursor.epoch:
                    continue
                if not self._read_epoch(epoch, max_events, events):
                    break
        except OSError as error:
            raise StorageError(f"cannot read the spool of {self.source}: {error.strerror}") from error
        if events:
            self._handed = self._place.cursor
        return events

    def take_damage(self) -> list[SpoolDamage]:
        """Hand out, once, the damage met so far."""
        damage, self._damage = self._damage, []
        return damage

    def drop_consumed(self, cursor: SpoolCursor) -> int:
        """Delete files that lie wholly before the cursor; return how many.

        The newest epoch keeps its folder and its last file: the next writer takes its number and its end from them.
        """
        known = folder.epochs(self._folder)
        dropped = 0
        for epoch in known:
            epoch_folder = self._folder / str(epoch)
            if epoch < cursor.epoch and epoch != known[-1]:
                dropped += len(folder.files(epoch_folder))
                shutil.rmtree(epoch_folder)
            elif epoch == cursor.epoch == self._place.cursor.epoch and cursor >= self._place.cursor:
                for number in folder.files(epoch_folder)[:-1]:
                    if number < self._place.number:
                        (epoch_folder / folder.file_name(number)).unlink()
                        dropped += 1
        return dropped

    def _read_epoch(self, epoch: int, max_events: int, events: list[SpoolEvent]) -> bool:
        """Read one epoch; False when its end is not reached (more may come, or enough was read)."""
        if epoch > self._place.cursor.epoch:
            self._place = _Place(cursor=SpoolCursor(source=self.source, epoch=epoch), number=0, offset=0)
        # The order matters: what ended before we list the files can no longer grow.
        ended = self._ended(epoch)
        epoch_folder = self._folder / str(epoch)
        numbers = [number for number in folder.files(epoch_folder) if number >= self._place.number]
        for number in numbers:
            if number != self._place.number:
                self._place.number, self._place.offset = number, 0
            closed = ended or number != numbers[-1]
            if not self._read_file(epoch_folder / folder.file_name(number), closed, max_events, events):
                return False
        if ended:
            self._settle_damage(before_seq=0)
        return ended

    def _ended(self, epoch: int) -> bool:
        if folder.epochs(self._folder)[-1] > epoch:
            return True
        return (self._folder / str(epoch) / CLEAN_MARKER).exists()

    def _read_file(self, path: Path, closed: bool, max_events: int, events: list[SpoolEvent]) -> bool:
        """Read one file on from the place; True when its end is reached for good."""
        place = self._place
        with path.open("rb", buffering=0) as file:
            if place.offset == 0:
                if file.read(len(MAGIC)) != MAGIC:
                    if closed:
                        self._meet_damage(path, torn=os.fstat(file.fileno()).st_size < len(MAGIC))
                    return closed
                place.offset = len(MAGIC)
            wanted = READ_BYTES
            while True:
                data = os.pread(file.fileno(), wanted, place.offset)
                stop, used = self._read_block(path, data, max_events, events)
                if stop is _Stop.ENOUGH:
                    return False
                if stop is _Stop.LOST:
                    return closed
                if used == 0 and len(data) < min(wanted, _LARGEST_RECORD):
                    if data and closed:
                        self._meet_damage(path, torn=True)
                    return closed
                wanted = READ_BYTES if used else _LARGEST_RECORD

    def _read_block(self, path: Path, data: bytes, max_events: int, events: list[SpoolEvent]) -> tuple[_Stop, int]:
        """Take the whole records of `data`; return why it stopped and how many bytes were used."""
        place, start = self._place, self._place.offset
        used = 0
        while True:
            if len(events) >= max_events:
                return _Stop.ENOUGH, used
            try:
                end = record_end(data, used)
            except RecordError:
                self._meet_damage(path, torn=False)
                return _Stop.LOST, used
            if end is None:
                return _Stop.SHORT, used
            try:
                self._take(decode_record(data, used, end), events)
            except RecordError:
                self._meet_damage(path, torn=False)  # its length may be right: the next record decides
            used = end
            place.offset = start + used

    def _take(self, event: SpoolEvent, events: list[SpoolEvent]) -> None:
        place = self._place
        if event.epoch != place.cursor.epoch or event.source != self.source:
            raise RecordError("a record of another epoch or source")
        if event.seq <= place.cursor.seq:
            return  # already seen: written a second time after a failed fdatasync
        self._settle_damage(before_seq=event.seq)
        place.cursor = SpoolCursor(source=self.source, epoch=event.epoch, seq=event.seq)
        events.append(event)

    def _meet_damage(self, path: Path, *, torn: bool) -> None:
        if self._open_damage is None:
            self._open_damage = _Damage(file=path.name, offset=self._place.offset, torn=torn)

    def _settle_damage(self, *, before_seq: int) -> None:
        """Report what lies between the last record read and the next one (0: the epoch ends)."""
        after_seq = self._place.cursor.seq
        met, self._open_damage = self._open_damage, None
        if before_seq == after_seq + 1 or (met is None and before_seq == 0):
            return  # nothing is missing: it was written again further on
        self._damage.append(
            SpoolDamage(
                source=self.source,
                epoch=self._place.cursor.epoch,
                file=met.file if met else folder.file_name(self._place.number),
                offset=met.offset if met else 0,
                after_seq=after_seq,
                before_seq=before_seq,
                torn=met is not None and met.torn and before_seq == 0,
            )
        )


def last_record(epoch_folder: Path) -> SpoolEvent | None:
    """Find the newest readable record of an epoch.

    Raises:
        OSError: a file cannot be read.
    """
    for number in reversed(folder.files(epoch_folder)):
        data = (epoch_folder / folder.file_name(number)).read_bytes()
        offset, last = len(MAGIC), None
        try:
            while (end := record_end(data, offset)) is not None:
                last, offset = (offset, end), end
        except RecordError:
            pass  # what stands before the damage still counts
        if last is not None:
            try:
                return decode_record(data, *last)
            except RecordError:
                return None  # the end is damaged: the writer then dates it by the epoch, the widest bound
    return None
