"""Rows of COPY … TO STDOUT: text, CSV and binary streams cut to chosen columns (PostgreSQL manual, COPY).

Called by the relay's recorder for COPY whose columns were described aside. Pure. Must never keep more than one
unfinished row. CopyData boundaries mean nothing by themselves, although the server sends one row in each.
"""

import struct
from collections.abc import Sequence
from typing import Final, Protocol

from quivive.wire.framing import PeerError
from quivive.wire.postgres.rows import Row

MAX_COPY_ROW: Final = 1 << 20
"""Bytes of one unfinished COPY row that are kept; a longer one ends the decoding (the execution becomes opaque)."""
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
    """Rows out of CopyData bodies. `feed` raises PeerError when the stream is not what was announced."""

    def feed(self, data: bytes) -> list[Row]:
        """Take one CopyData body, return the rows it completes, cut."""

    def finish(self) -> list[Row]:
        """The stream ended: a last row without its line end."""


class TextCopy:
    """COPY text format."""

    def __init__(self, indexes: Sequence[int], *, delimiter: str, null: str, header: bool) -> None:
        self._indexes = tuple(indexes)
        self._delimiter = delimiter.encode()
        self._null = null.encode()
        self._header = header
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[Row]:
        """See CopyReader."""
        if self._tail:
            self._tail += data
            data = bytes(self._tail)
            self._tail = bytearray()
        lines = data.split(b"\n")
        if lines[-1]:
            if len(lines[-1]) > MAX_COPY_ROW:
                raise PeerError("a COPY row too long to keep")
            self._tail = bytearray(lines[-1])
        rows = []
        for ended in lines[:-1]:
            if self._header:
                self._header = False
                continue
            line = ended.removesuffix(b"\r")  # a value has it escaped
            if line == b"\\.":
                continue
            rows.append(self._row(line))
        return rows

    def finish(self) -> list[Row]:
        """See CopyReader."""
        return self.feed(b"\n") if self._tail else []

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


class CsvCopy:
    """COPY CSV format: quotes may hold delimiters and line ends."""

    def __init__(
        self, indexes: Sequence[int], *, delimiter: str, null: str, quote: str, escape: str, header: bool
    ) -> None:
        self._indexes = tuple(indexes)
        self._delimiter = delimiter.encode()
        self._null = null.encode()
        self._quote = quote.encode()
        self._escape = escape.encode()
        self._header = header
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[Row]:
        """See CopyReader."""
        if self._tail:
            self._tail += data
            data = bytes(self._tail)
            self._tail = bytearray()
        rows, start, end = [], 0, len(data)
        while start < end:
            stop = self._line_end(data, start)
            if stop < 0:
                if end - start > MAX_COPY_ROW:
                    raise PeerError("a COPY row too long to keep")
                self._tail = bytearray(data[start:])
                break
            if self._header:
                self._header = False
            elif data[start:stop].removesuffix(b"\r") != b"\\.":
                rows.append(self._row(data[start:stop]))
            start = stop + 1
        return rows

    def finish(self) -> list[Row]:
        """See CopyReader."""
        return self.feed(b"\n") if self._tail else []

    def _line_end(self, data: bytes, start: int) -> int:
        """Offset of the line end outside quotes, -1 when it has not come."""
        at = start
        quote, escape = self._quote, self._escape
        while True:
            line_end = data.find(b"\n", at)
            if line_end < 0:
                return -1
            line = data[start:line_end]
            quotes = line.count(quote)
            if escape != quote:
                quotes -= line.count(escape + quote)
            if quotes % 2 == 0:
                return line_end
            at = line_end + 1

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


class BinaryCopy:
    """COPY binary format: signature, flags, extension, rows, trailer -1."""

    def __init__(self, indexes: Sequence[int]) -> None:
        self._indexes = tuple(indexes)
        self._tail = bytearray()
        self._started = False

    def feed(self, data: bytes) -> list[Row]:
        """See CopyReader."""
        self._tail += data
        buffer = bytes(self._tail)
        rows: list[Row] = []
        position = 0
        if not self._started:
            if len(buffer) < _BINARY_HEADER:
                return rows
            if not buffer.startswith(_BINARY_SIGNATURE):
                raise PeerError("a binary COPY without its signature")
            extension = _int32(buffer, _BINARY_HEADER - 4)[0]
            if extension < 0 or len(buffer) < _BINARY_HEADER + extension:
                return rows
            position = _BINARY_HEADER + extension
            self._started = True
        while position + 2 <= len(buffer):
            count = _int16(buffer, position)[0]
            if count < 0:
                position += 2
                continue
            cut = self._row(buffer, position + 2, count)
            if cut is None:
                break
            row, position = cut
            rows.append(row)
        self._tail = bytearray(buffer[position:])
        if len(self._tail) > MAX_COPY_ROW:
            raise PeerError("a COPY row too long to keep")
        return rows

    def finish(self) -> list[Row]:
        """See CopyReader."""
        return []

    def _row(self, buffer: bytes, at: int, count: int) -> tuple[Row, int] | None:
        if self._indexes and self._indexes[-1] >= count:
            raise PeerError("a COPY row with fewer columns than described")
        values: list[bytes | None] = []
        for index in range(count):
            if at + 4 > len(buffer):
                return None
            size = _int32(buffer, at)[0]
            at += 4
            if size < 0:
                if index in self._indexes:
                    values.append(None)
                continue
            if at + size > len(buffer):
                return None
            if index in self._indexes:
                values.append(buffer[at : at + size])
            at += size
        return tuple(values), at
