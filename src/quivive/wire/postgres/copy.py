"""Rows of COPY … TO STDOUT: text, CSV and binary streams cut to chosen columns (PostgreSQL manual, COPY).

Called by the relay's recorder for COPY whose columns were described aside. Pure. Must never keep more than one
unfinished row. CopyData boundaries mean nothing by themselves, although the server sends one row in each.
"""

import re
import struct
from collections.abc import Sequence
from typing import Final, Protocol

from quivive.wire.framing import PeerError
from quivive.wire.postgres.messages import MAX_COLUMNS
from quivive.wire.postgres.rows import Row

MAX_COPY_ROW: Final = 1 << 20
"""Bytes of one unfinished COPY row that are kept; a longer one ends the decoding (the execution becomes opaque)."""
_TOO_LONG: Final = "a COPY row too long to keep"
_BINARY_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\x00"
_BINARY_HEADER: Final = len(_BINARY_SIGNATURE) + 8
_int32 = struct.Struct("!i").unpack_from
_int16 = struct.Struct("!h").unpack_from
_ESCAPES: Final = {
    ord("b"): b"\b",
    ord("f"): b"\f",
    ord("n"): b"\n",
    ord("r"): b"\r",
    ord("t"): b"\t",
    ord("v"): b"\v",
}
_OCTAL: Final = b"01234567"
_HEX: Final = b"0123456789abcdefABCDEF"


class CopyReader(Protocol):
    """Rows out of CopyData bodies. `feed` raises PeerError when the stream is not what was announced.

    Rows before the place where it broke are returned first: the error waits for the next call. So it never hangs on how
    the stream was cut which rows there were.
    """

    def feed(self, data: bytes) -> list[Row]:
        """Take one CopyData body, return the rows it completes, cut."""

    def finish(self) -> list[Row]:
        """The stream ended: a last row without its line end."""


class _Breaking:
    """Keeps the error of a stream until the rows before it have been taken."""

    __slots__ = ("_broken",)

    def __init__(self) -> None:
        self._broken = ""

    def _intact(self) -> None:
        if self._broken:
            raise PeerError(self._broken)

    def _breaks(self, rows: list[Row], error: PeerError) -> list[Row]:
        self._broken = str(error)
        if not rows:
            raise error
        return rows


def _bounded(size: int) -> None:
    if size > MAX_COPY_ROW:
        raise PeerError(_TOO_LONG)


class TextCopy(_Breaking):
    """COPY text format."""

    def __init__(self, indexes: Sequence[int], *, delimiter: str, null: str, header: bool) -> None:
        super().__init__()
        self._indexes = tuple(indexes)
        self._delimiter = delimiter.encode()
        self._null = null.encode()
        self._header = header
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[Row]:
        """See CopyReader."""
        self._intact()
        if b"\n" not in data:
            self._tail += data
            if len(self._tail) > MAX_COPY_ROW:
                return self._breaks([], PeerError(_TOO_LONG))
            return []
        if self._tail:
            data, self._tail = bytes(self._tail) + data, bytearray()
        lines = data.split(b"\n")
        rows: list[Row] = []
        try:
            for ended in lines[:-1]:
                if self._header:
                    self._header = False
                    continue
                line = ended.removesuffix(b"\r")  # a value has it escaped
                if line != b"\\.":
                    rows.append(self._row(line))
            _bounded(len(lines[-1]))
        except PeerError as error:
            return self._breaks(rows, error)
        self._tail += lines[-1]
        return rows

    def finish(self) -> list[Row]:
        """See CopyReader."""
        self._intact()
        rows = self.feed(b"\n") if self._tail else []
        self._intact()
        return rows

    def _row(self, line: bytes) -> Row:
        values = line.split(
            self._delimiter
        )  # a delimiter inside a value is escaped as an octal or letter by the server
        if b"\\" + self._delimiter in line:
            values = _split_escaped(line, self._delimiter)
        if self._indexes and self._indexes[-1] >= len(values):
            raise PeerError("a COPY row with fewer columns than described")
        return tuple(None if (v := values[i]) == self._null else _unescape(v) for i in self._indexes)


def _split_escaped(line: bytes, delimiter: bytes) -> list[bytes]:
    values, start, at = [], 0, 0
    while at < len(line):
        if line[at] == 0x5C:
            at += 2
            continue
        if line[at : at + 1] == delimiter:
            values.append(line[start:at])
            start = at + 1
        at += 1
    return [*values, line[start:]]


def _unescape(value: bytes) -> bytes:
    if b"\\" not in value:
        return value
    out, at = bytearray(), 0
    while at < len(value):
        byte = value[at]
        if byte != 0x5C or at + 1 == len(value):
            out.append(byte)
            at += 1
            continue
        code = value[at + 1]
        at += 2
        if code in _ESCAPES:
            out += _ESCAPES[code]
        elif code in _OCTAL:
            stop = at
            while stop < at + 2 and value[stop : stop + 1] and value[stop] in _OCTAL:
                stop += 1
            out.append(int(value[at - 1 : stop], 8) & 0xFF)
            at = stop
        elif code == 0x78 and value[at : at + 1] and value[at] in _HEX:
            stop = at + 1
            if value[stop : stop + 1] and value[stop] in _HEX:
                stop += 1
            out.append(int(value[at:stop], 16))
            at = stop
        else:
            out.append(code)
    return bytes(out)


class CsvCopy(_Breaking):
    """COPY CSV format: quotes may hold delimiters and line ends."""

    def __init__(
        self, indexes: Sequence[int], *, delimiter: str, null: str, quote: str, escape: str, header: bool
    ) -> None:
        super().__init__()
        self._indexes = tuple(indexes)
        self._delimiter = delimiter.encode()
        self._null = null.encode()
        self._quote = quote.encode()
        self._escape = escape.encode()
        self._header = header
        self._tail = bytearray()
        self._seen = 0  # bytes of the tail that were looked at, and whether a quote is open behind them
        self._inside = False
        self._marks = re.compile(
            rb"%b[%b%b]|[%b\n]" % (re.escape(self._escape), *map(re.escape, (self._escape, self._quote, self._quote)))
        )

    def feed(self, data: bytes) -> list[Row]:
        """See CopyReader."""
        self._intact()
        tail = self._tail
        tail += data
        rows: list[Row] = []
        start, end, seen = 0, len(tail), self._seen
        try:
            while start < end:
                stop, seen = self._line_end(tail, seen)
                if stop < 0:
                    _bounded(end - start)
                    break
                line = bytes(memoryview(tail)[start:stop])
                if self._header:
                    self._header = False
                elif line.removesuffix(b"\r") != b"\\.":
                    rows.append(self._row(line))
                start = seen = stop + 1
        except PeerError as error:
            return self._breaks(rows, error)
        self._seen = seen - start
        del tail[:start]
        return rows

    def finish(self) -> list[Row]:
        """See CopyReader."""
        self._intact()
        rows = self.feed(b"\n") if self._tail else []
        self._intact()
        return rows

    def _line_end(self, data: bytearray, at: int) -> tuple[int, int]:
        """Offset of the line end outside quotes, -1 when it has not come; up to where was looked. Each byte once."""
        if self._escape != self._quote:
            return self._escaped_line_end(data, at)
        while (line_end := data.find(b"\n", at)) >= 0:
            self._inside ^= data.count(self._quote, at, line_end) % 2 == 1
            if not self._inside:
                return line_end, line_end
            at = line_end + 1
        return -1, at

    def _escaped_line_end(self, data: bytearray, at: int) -> tuple[int, int]:
        """With an escape that is no quote: it means something between quotes alone."""
        last = len(data) - 1
        while (mark := self._marks.search(data, at)) is not None:
            found = mark[0]
            if len(found) == 2 and not self._inside:
                found = found[:1]  # an escape outside quotes is a letter
            if found == b"\n" and not self._inside:
                return mark.start(), mark.start()
            if found == self._quote:
                self._inside = not self._inside
            at = mark.start() + len(found)
        return -1, last if last >= at and data[last:] == self._escape else max(at, len(data))

    def _row(self, line: bytes) -> Row:
        line = line.removesuffix(b"\r")
        values = [(v, False) for v in line.split(self._delimiter)] if self._quote not in line else self._quoted(line)
        if self._indexes and self._indexes[-1] >= len(values):
            raise PeerError("a COPY row with fewer columns than described")
        cut = (values[i] for i in self._indexes)
        return tuple(None if value == self._null and not quoted else value for value, quoted in cut)

    def _quoted(self, line: bytes) -> list[tuple[bytes, bool]]:
        values: list[tuple[bytes, bool]] = []
        value, inside, quoted, at = bytearray(), False, False, 0
        quote, escape, delimiter = self._quote[0], self._escape[0], self._delimiter[0]
        while at < len(line):
            byte = line[at]
            if inside and byte == escape and line[at + 1 : at + 2] in (self._quote, self._escape):
                value.append(line[at + 1])
                at += 2
                continue
            if byte == quote:
                inside, quoted = not inside, True
            elif byte == delimiter and not inside:
                values.append((bytes(value), quoted))
                value, quoted = bytearray(), False
            else:
                value.append(byte)
            at += 1
        values.append((bytes(value), quoted))
        return values


class BinaryCopy(_Breaking):
    """COPY binary format: signature, flags, extension, rows, trailer -1."""

    def __init__(self, indexes: Sequence[int]) -> None:
        super().__init__()
        self._indexes = tuple(indexes)
        self._tail = bytearray()
        self._need = _BINARY_HEADER  # bytes without which there is nothing to read
        self._started = False

    def feed(self, data: bytes) -> list[Row]:
        """See CopyReader."""
        self._intact()
        self._tail += data
        if len(self._tail) < self._need:
            return []
        buffer, rows, position = bytes(self._tail), list[Row](), 0
        try:
            if not self._started:
                position = self._begin(buffer)
            while self._started and position + 2 <= len(buffer):
                count = _int16(buffer, position)[0]
                if count < 0:
                    position += 2
                    continue
                row, following = self._row(buffer, position + 2, count)
                if row is None:
                    self._wait(following - position)
                    break
                rows.append(row)
                position = following
            else:
                self._need = 2 if self._started else self._need
        except PeerError as error:
            return self._breaks(rows, error)
        self._tail = bytearray(memoryview(buffer)[position:])
        return rows

    def _wait(self, need: int) -> None:
        _bounded(need)
        self._need = need

    def _begin(self, buffer: bytes) -> int:
        """Where the rows begin; 0 while the header is not whole."""
        if not buffer.startswith(_BINARY_SIGNATURE):
            raise PeerError("a binary COPY without its signature")
        extension = _int32(buffer, _BINARY_HEADER - 4)[0]
        if extension < 0:
            raise PeerError("a binary COPY with an impossible header")
        self._wait(_BINARY_HEADER + extension)
        if len(buffer) < self._need:
            return 0
        self._started = True
        return self._need

    def finish(self) -> list[Row]:
        """See CopyReader."""
        self._intact()
        return []

    def _row(self, buffer: bytes, at: int, count: int) -> tuple[Row | None, int]:
        """One row and the offset behind it; None and the offset that must come first."""
        if count > MAX_COLUMNS or (self._indexes and self._indexes[-1] >= count):
            raise PeerError("a COPY row with other columns than described")
        values: list[bytes | None] = []
        for index in range(count):
            if at + 4 > len(buffer):
                return None, at + 4
            size = _int32(buffer, at)[0]
            at += 4
            if size < 0:
                if index in self._indexes:
                    values.append(None)
                continue
            if at + size > len(buffer):
                return None, at + size
            if index in self._indexes:
                values.append(buffer[at : at + size])
            at += size
        return tuple(values), at
