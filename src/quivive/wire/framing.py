"""Cuts a byte stream into length-prefixed frames without copying what is already whole.

Called by the protocol codecs in `wire/`. Must never read a socket, a clock or a logger, and never
hold more than one unfinished frame: a frame above MAX_FRAME_KEPT is cut to its head and skipped.
"""

import struct
from typing import Final

from quivive.model.errors import QuiviveError

MAX_FRAME_KEPT: Final = 1 << 20
"""Bytes kept of one unfinished frame (1 MiB): key columns and statements lie in the head (DESIGN §13, memory)."""
MAX_FRAME_LENGTH: Final = (1 << 30) + (1 << 20)
"""Bytes; PostgreSQL never sends a message above 1 GiB. A larger length is a broken stream."""
HEADER_BYTES: Final = 5  # one type byte and a length that counts itself, PostgreSQL manual 55.7

unpack_length = struct.Struct("!I").unpack_from


class WireError(QuiviveError):
    """Root of what a codec raises."""


class PeerError(WireError):
    """The peer broke the protocol, or speaks a part of it that the codec does not know."""


class UsageError(WireError):
    """Our own caller used a codec in the wrong order."""


class FrameBuffer:
    """Holds the unfinished frame between two reads of one direction.

    Contract: `feed(data)` returns bytes to scan from offset 0; the caller walks whole frames and hands
    the offset of the first unfinished one to `keep`. "Need more" is an empty result, not an error.
    """

    __slots__ = ("_limit", "_need", "_skip", "_tail", "cut", "whole")

    def __init__(self, limit: int = MAX_FRAME_KEPT) -> None:
        self._limit = limit
        self._tail = bytearray()
        self._need = HEADER_BYTES
        self._skip = 0
        self.whole = True
        """The next bytes begin a frame."""
        self.cut: bytes = b""
        """Head of a frame that was too long to keep; set by `keep`/`feed`, cleared by the caller."""

    def feed(self, data: bytes) -> bytes:
        """Take one read; return what can be scanned now."""
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
            self.whole = not self._skip
        if not self._tail:
            return data
        self._tail += data
        if len(self._tail) < self._need:
            return b""
        whole = bytes(self._tail)
        self._tail = bytearray()
        self.whole = True
        return whole

    def keep(self, buffer: bytes, position: int) -> None:
        """Keep the unfinished frame that starts at `position`.

        Raises:
            PeerError: the length cannot be that of a message.
        """
        rest = len(buffer) - position
        if rest <= 0:
            return
        if rest < HEADER_BYTES:
            self._need = HEADER_BYTES
        else:
            length = unpack_length(buffer, position + 1)[0]
            if length < 4 or length > MAX_FRAME_LENGTH:
                raise PeerError("a message with an impossible length")
            need = length + 1
            if need > self._limit:
                if rest >= self._limit:
                    self.cut = buffer[position:]
                    self._skip = need - rest
                    self.whole = not self._skip
                    return
                need = self._limit
            self._need = need
        self._tail = bytearray(memoryview(buffer)[position:])
        self.whole = False

    @property
    def held(self) -> int:
        """Bytes held of an unfinished frame."""
        return len(self._tail)
