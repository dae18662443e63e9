"""Consumed records that a purge reaches: their bodies are blanked in place, or counted (DESIGN §7).

Called by the core's retention room, while writers go on appending behind. Whole files are deleted by the reader once
they are consumed; the last file of a source stays, and may hold an old event of a source that has become quiet. Must
never touch a record that the ledger has not taken, and never change a length: numbers and places stay as they were.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from zlib import crc32

from quivive.model.entry import SpoolEvent
from quivive.model.errors import StorageError
from quivive.spool import folder
from quivive.spool.record import HEADER, MAGIC, RecordError, SpoolCursor, decode_record, record_end

BLANK: Final = b"{}"
"""What a blanked body begins with; spaces keep its length."""
_BODY: Final = b'"body":'

Wanted = Callable[[SpoolEvent], bool]


def scrub(spool_root: Path, source: str, cursor: SpoolCursor, wanted: Wanted) -> int:
    """Blank the bodies of consumed records that are wanted, durable on return; return how many.

    Raises:
        StorageError: a file cannot be read or written; call again.
    """
    blanked = 0
    try:
        for path in _files(spool_root, source, cursor):
            places = [
                (start, end)
                for start, end, event in _records(path)
                if _consumed(event, cursor) and not blank(event) and wanted(event)
            ]
            if not places:
                continue
            fd = os.open(path, os.O_RDWR)
            try:
                for start, end in places:
                    os.pwrite(fd, _blanked(os.pread(fd, end - start, start)), start)
                os.fsync(fd)
            finally:
                os.close(fd)
            blanked += len(places)
    except OSError as error:
        raise StorageError(f"cannot clear the spool of {source}: {error.strerror}") from error
    return blanked


def consumed(spool_root: Path, source: str, cursor: SpoolCursor) -> Iterator[SpoolEvent]:
    """Consumed records that still stand with their body.

    Raises:
        OSError: a file cannot be read.
    """
    for path in _files(spool_root, source, cursor):
        for _, _, event in _records(path):
            if _consumed(event, cursor) and not blank(event):
                yield event


def blank(event: SpoolEvent) -> bool:
    """Whether the body was removed."""
    return event.body == BLANK


def _consumed(event: SpoolEvent, cursor: SpoolCursor) -> bool:
    return (event.epoch, event.seq) <= (cursor.epoch, cursor.seq)


def _files(spool_root: Path, source: str, cursor: SpoolCursor) -> Iterator[Path]:
    for epoch in folder.epochs(spool_root / source):
        if epoch <= cursor.epoch:
            inside = spool_root / source / str(epoch)
            yield from (inside / folder.file_name(number) for number in folder.files(inside))


def _records(path: Path) -> Iterator[tuple[int, int, SpoolEvent]]:
    """Whole records of a file with their places; what is damaged is the reader's matter."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return  # dropped meanwhile, whole
    offset = len(MAGIC)
    while data.startswith(MAGIC):
        try:
            end = record_end(data, offset)
        except RecordError:
            return
        if end is None:
            return
        with contextlib.suppress(RecordError):  # its length may be right: the next record decides
            yield offset, end, decode_record(data, offset, end)
        offset = end


def _blanked(record: bytes) -> bytes:
    payload = bytearray(record[HEADER.size :])
    start = payload.index(_BODY) + len(_BODY)
    room = len(payload) - 1 - start  # the payload ends with the brace of the event itself
    payload[start:-1] = BLANK.ljust(room)
    length = len(payload)
    return HEADER.pack(length, crc32(bytes(payload), length)) + bytes(payload)
