"""One frame of a segment file: a batch of events, sealed, with what recovery needs in clear (ADR 0003).

Called by append, recovery, reading and `verify`. Pure: nonce and salts come as arguments. Must never hold in
clear anything but places and numbers: no key, no event.

frame = "QVF1" | header length u32 | ciphertext length u32 | header JSON | ciphertext | crc32 u32, big-endian;
the CRC covers everything before it. The ciphertext is AES-256-GCM under the day key, with the header as
associated data, of the salts (32 bytes each) and behind them, deflated, [length u32 | event bytes]*. A file is a
sequence of frames and nothing else.
"""

import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import compress, crc32, decompressobj
from zlib import error as InflateError  # noqa: N812 - the library's own name is a bare `error`

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from quivive.ledger.commitment import SALT_BYTES
from quivive.model.errors import QuiviveError

FRAME_VERSION: Final = 1
MAX_HEADER_BYTES: Final = 1024 * 1024
MAX_CIPHERTEXT_BYTES: Final = 16 * 1024 * 1024
"""Bytes of one frame's content; append closes a frame at MAX_FRAME_BYTES, well below."""
MAX_EVENTS_BYTES: Final = 16 * 1024 * 1024
"""Bytes of one frame's events, inflated."""
_DEFLATE_LEVEL: Final = 1  # measured: five times smaller at 180 MB/s; level 6 gains an eighth at 74 MB/s
MAGIC: Final = b"QVF1"
_PREFIX: Final = struct.Struct(">4sII")
_U32: Final = struct.Struct(">I")
PREFIX_BYTES: Final = _PREFIX.size
CRC_BYTES: Final = _U32.size

SourceRanges = tuple[str, int, tuple[tuple[int, int], ...]]
"""(source, epoch, closed intervals of seq)."""


class FrameError(QuiviveError):
    """Bytes that are no whole, undamaged frame."""


class FrameSealError(FrameError):
    """The frame is whole but does not open: altered header or content, or another key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeader:
    """What stands in clear, authenticated. `first` is the index of the first event in its shard's log."""

    log: str
    shard: str
    retention_class: str
    day: str
    first: int
    count: int
    sources: tuple[SourceRanges, ...]
    key: str
    nonce: bytes

    @property
    def controller(self) -> str:
        """Controller's id: the first half of the shard's name."""
        return self.shard.partition("/")[0]

    def encode(self) -> bytes:
        """Canonical JSON."""
        document = {
            "v": FRAME_VERSION,
            "log": self.log,
            "shard": self.shard,
            "class": self.retention_class,
            "day": self.day,
            "first": self.first,
            "count": self.count,
            "sources": [[source, epoch, ranges] for source, epoch, ranges in self.sources],
            "key": self.key,
            "nonce": self.nonce.hex(),
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def decode_header(data: bytes) -> FrameHeader:
    """Read a header back.

    Raises:
        FrameError: not a header of this version.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        if document["v"] != FRAME_VERSION:
            raise FrameError(f"frame version {document['v']!r}: upgrade Quivive to read it")
        return FrameHeader(
            log=str(document["log"]),
            shard=str(document["shard"]),
            retention_class=str(document["class"]),
            day=str(document["day"]),
            first=int(document["first"]),
            count=int(document["count"]),
            sources=tuple(
                (str(source), int(epoch), tuple((int(start), int(end)) for start, end in ranges))
                for source, epoch, ranges in document["sources"]
            ),
            key=str(document["key"]),
            nonce=bytes.fromhex(document["nonce"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise FrameError("not a frame header") from error


def encode_frame(header: FrameHeader, key: bytes, salts: bytes, events: Sequence[bytes]) -> bytes:
    """Seal a batch. `salts` holds SALT_BYTES random bytes for each event."""
    assert len(events) == header.count
    assert len(salts) == SALT_BYTES * header.count
    events_bytes = b"".join([_U32.pack(len(event)) + event for event in events])
    assert len(events_bytes) <= MAX_EVENTS_BYTES
    clear = header.encode()
    sealed = AESGCM(key).encrypt(header.nonce, salts + compress(events_bytes, _DEFLATE_LEVEL), clear)
    data = _PREFIX.pack(MAGIC, len(clear), len(sealed)) + clear + sealed
    return data + _U32.pack(crc32(data))


def frame_length(prefix: bytes) -> int:
    """Length of the whole frame, from its first PREFIX_BYTES.

    Raises:
        FrameError: no frame begins like this.
    """
    if len(prefix) < PREFIX_BYTES:
        raise FrameError("the frame is cut")
    magic, header_bytes, sealed_bytes = _PREFIX.unpack_from(prefix)
    if magic != MAGIC or not 0 < header_bytes <= MAX_HEADER_BYTES or sealed_bytes > MAX_CIPHERTEXT_BYTES:
        raise FrameError("no frame begins here")
    return int(PREFIX_BYTES + header_bytes + sealed_bytes + CRC_BYTES)


def check_frame(data: bytes) -> FrameHeader:
    """Check one whole frame's checksum and return its header.

    Raises:
        FrameError: cut, damaged, or not a frame.
    """
    if len(data) != frame_length(data):
        raise FrameError("the frame is cut")
    if crc32(data[:-CRC_BYTES]) != _U32.unpack(data[-CRC_BYTES:])[0]:
        raise FrameError("wrong frame checksum")
    _, header_bytes, _ = _PREFIX.unpack_from(data)
    return decode_header(data[PREFIX_BYTES : PREFIX_BYTES + header_bytes])


def open_frame(data: bytes, key: bytes) -> list[tuple[bytes, bytes]]:
    """Open a checked frame: (salt, event) in index order.

    Raises:
        FrameSealError: it does not open under this key.
        FrameError: its content is not what its header says.
    """
    header = check_frame(data)
    _, header_bytes, _ = _PREFIX.unpack_from(data)
    clear_end = PREFIX_BYTES + header_bytes
    try:
        content = AESGCM(key).decrypt(header.nonce, data[clear_end:-CRC_BYTES], data[PREFIX_BYTES:clear_end])
    except (InvalidTag, ValueError) as error:
        raise FrameSealError("the frame does not open: altered, or another key") from error
    salts, inflated = content[: header.count * SALT_BYTES], _inflate(content[header.count * SALT_BYTES :])
    events: list[tuple[bytes, bytes]] = []
    offset = 0
    while offset + _U32.size <= len(inflated):
        start = offset + _U32.size
        offset = start + _U32.unpack_from(inflated, offset)[0]
        salt = salts[len(events) * SALT_BYTES : (len(events) + 1) * SALT_BYTES]
        events.append((salt, inflated[start:offset]))
    if offset != len(inflated) or len(events) != header.count or len(salts) != header.count * SALT_BYTES:
        raise FrameError("the frame holds another number of events than its header says")
    return events


def _inflate(data: bytes) -> bytes:
    inflater = decompressobj()
    try:
        inflated = inflater.decompress(data, MAX_EVENTS_BYTES)
    except InflateError as error:
        raise FrameError("the frame's content does not inflate") from error
    if not inflater.eof or inflater.unused_data:
        raise FrameError("the frame's content is cut or too large")
    return inflated


def source_ranges(events: Iterable[tuple[str, int, int]]) -> tuple[SourceRanges, ...]:
    """Compress (source, epoch, seq) into ranges, sorted."""
    grouped: dict[tuple[str, int], list[int]] = {}
    for source, epoch, seq in events:
        grouped.setdefault((source, epoch), []).append(seq)
    result: list[SourceRanges] = []
    for (source, epoch), numbers in sorted(grouped.items()):
        ranges: list[tuple[int, int]] = []
        for number in sorted(numbers):
            if ranges and ranges[-1][1] == number - 1:
                ranges[-1] = (ranges[-1][0], number)
            else:
                ranges.append((number, number))
        result.append((source, epoch, tuple(ranges)))
    return tuple(result)
