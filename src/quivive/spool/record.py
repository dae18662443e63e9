"""One spool record and the places around it: bytes and facts, no file (ADR 0005).

Used by the writer and the reader. Pure. Must never decode a body: it travels as the bytes the source encoded.

A file is MAGIC, then records: length u32 | crc32 u32 | payload, big-endian, the CRC over length and payload.
The payload is the event as JSON, its body embedded verbatim.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import msgspec

from quivive.model.entry import EntryKind, SpoolEvent
from quivive.model.errors import QuiviveError

MAGIC: Final = b"QVSPOOL1"
HEADER: Final = struct.Struct(">II")
MAX_PAYLOAD_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one record: an access part holds at most 4,096 keys, about 300 kB (DESIGN §6)."""
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""Bytes after which a file is closed and the next begins: the core deletes whole files."""
CLEAN_MARKER: Final = "clean"


class RecordError(QuiviveError):
    """Bytes that are no record: wrong length or wrong checksum."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SpoolCursor:
    """Everything of `source` up to and including (epoch, seq) has been taken. (0, 0) is the beginning."""

    source: str
    epoch: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousEpoch:
    """What the writer before us left. Not `clean`: killed, and the source owes a `gap` from `last_captured_at`."""

    epoch: int
    clean: bool
    last_seq: int
    last_captured_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolDamage:
    """Records that cannot be read: after `after_seq`, before `before_seq` (0 = nothing readable follows in this epoch).

    `torn` says that the bytes end inside a record at the end of an epoch, as a power cut leaves them.
    """

    source: str
    epoch: int
    file: str
    offset: int
    after_seq: int
    before_seq: int
    torn: bool


class _Wire(msgspec.Struct, frozen=True):
    kind: EntryKind
    source: str
    epoch: int
    seq: int
    captured_at: int
    controller: str
    key_id: str
    body: msgspec.Raw


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Wire).decode


def encode_record(event: SpoolEvent) -> bytes:
    """Encode one event with its length and checksum.

    Raises:
        RecordError: the event is larger than MAX_PAYLOAD_BYTES.
    """
    payload = _encode(
        _Wire(
            event.kind,
            event.source,
            event.epoch,
            event.seq,
            event.captured_at,
            event.controller,
            event.key_id,
            msgspec.Raw(event.body),
        )
    )
    length = len(payload)
    if length > MAX_PAYLOAD_BYTES:
        raise RecordError(f"event of {length} bytes, at most {MAX_PAYLOAD_BYTES}")
    return HEADER.pack(length, crc32(payload, length)) + payload


class RecordHead:
    """What the records of one kind, controller and key share within an epoch: encoded once (hot path of the relays).

    `encode` gives exactly the bytes of `encode_record`.
    """

    __slots__ = ("_after", "_before")

    def __init__(self, *, kind: EntryKind, source: str, epoch: int, controller: str, key_id: str) -> None:
        text = _encode
        self._before = b'{"kind":%b,"source":%b,"epoch":%d,"seq":' % (text(kind), text(source), epoch)
        self._after = b',"controller":%b,"key_id":%b,"body":' % (text(controller), text(key_id))

    def encode(self, seq: int, captured_at: int, body: bytes) -> bytes:
        """Encode one event.

        Raises:
            RecordError: the event is larger than MAX_PAYLOAD_BYTES.
        """
        payload = b'%b%d,"captured_at":%d%b%b}' % (self._before, seq, captured_at, self._after, body)
        length = len(payload)
        if length > MAX_PAYLOAD_BYTES:
            raise RecordError(f"event of {length} bytes, at most {MAX_PAYLOAD_BYTES}")
        return HEADER.pack(length, crc32(payload, length)) + payload

    def encode_many(self, seq: int, events: Sequence[tuple[int, bytes]]) -> bytes:
        """Encode events (instant, body) numbered from `seq` on, each far below MAX_PAYLOAD_BYTES."""
        before, after, pack = self._before, self._after, HEADER.pack
        records: list[bytes] = []
        keep = records.append
        for captured_at, body in events:
            payload = b'%b%d,"captured_at":%d%b%b}' % (before, seq, captured_at, after, body)
            length = len(payload)
            keep(pack(length, crc32(payload, length)))
            keep(payload)
            seq += 1
        return b"".join(records)


def record_end(data: bytes, offset: int) -> int | None:
    """Return where the record at `offset` ends, or None when more bytes are needed to tell.

    Raises:
        RecordError: no record has such a length.
    """
    if len(data) - offset < HEADER.size:
        return None
    length, _ = HEADER.unpack_from(data, offset)
    if not 0 < length <= MAX_PAYLOAD_BYTES:
        raise RecordError("impossible record length")
    end: int = offset + HEADER.size + length
    return end if end <= len(data) else None


def decode_record(data: bytes, offset: int, end: int) -> SpoolEvent:
    """Decode the record between `offset` and `end`.

    Raises:
        RecordError: checksum or payload is wrong.
    """
    length, checksum = HEADER.unpack_from(data, offset)
    payload = data[offset + HEADER.size : end]
    if crc32(payload, length) != checksum:
        raise RecordError("wrong record checksum")
    try:
        wire = _decode(payload)
    except msgspec.MsgspecError as error:
        raise RecordError("the record is no event") from error
    return SpoolEvent(
        kind=wire.kind,
        source=wire.source,
        epoch=wire.epoch,
        seq=wire.seq,
        captured_at=wire.captured_at,
        controller=wire.controller,
        key_id=wire.key_id,
        body=bytes(wire.body),
    )
