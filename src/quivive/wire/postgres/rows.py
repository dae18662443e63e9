"""Cuts chosen columns out of DataRow messages and COPY rows, and nothing else.

Called by the relay's recorder, in the hot loop of every result. Pure. Must never copy a column that was not asked for.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Final

from quivive.wire.framing import PeerError
from quivive.wire.postgres import scan

DATA_ROW: Final = 0x44
_row_head = struct.Struct("!BIHi").unpack_from  # type, length, columns, length of the first column
_length = struct.Struct("!i").unpack_from
_frame = struct.Struct("!BI").unpack_from
_EMPTY_ROW: Final = 6  # length of a DataRow without columns: itself and the count (manual 55.7)
_NULL_ROW: Final = 10  # length of a DataRow whose only column is NULL
_SHORT: Final = "a row shorter than its columns"

Row = tuple[bytes | None, ...]
Cutter = Callable[[bytes, int, int, int, list[Row]], int]
"""(buffer, start, end, most rows, rows out) → offset after the last row taken; stops at a part frame."""


def cutter_of(indexes: Sequence[int]) -> Cutter:
    """The quickest cutter for these column indexes (ascending, at least one)."""
    if scan.COMPILED:
        return Scanner(indexes)
    return cut_first if tuple(indexes) == (0,) else _General(tuple(indexes))


def skip_rows(buffer: bytes, start: int, end: int) -> tuple[int, int]:
    """Pass whole DataRow frames uncut: (offset after the last, how many).

    Raises:
        PeerError: a row without even the count of its columns.
    """
    if scan.COMPILED:
        return scan.skip_rows(buffer, start, end)
    position, last, rows = start, end - 5, 0
    while position <= last:
        kind, length = _frame(buffer, position)
        following = position + 1 + length
        if kind != DATA_ROW or following > end:
            break
        if length < _EMPTY_ROW:
            raise PeerError(_SHORT)
        rows += 1
        position = following
    return position, rows


def fill_column(
    buffer: bytes, start: int, end: int, most: int, window: dict[bytes, None], column: int
) -> tuple[int, int]:
    """Put one column of whole DataRow frames into a window of distinct values, NULL left out: (offset, rows passed).

    Raises:
        PeerError: a row that does not hold the column described.
    """
    if scan.COMPILED:
        return scan.fill_column(buffer, start, end, most, window, column)
    if column:
        return _fill_behind(buffer, start, end, most, window, column)
    position, last, left = start, end - 11, most
    while position <= last and left:
        kind, length, columns, size = _row_head(buffer, position)
        following = position + 1 + length
        if kind != DATA_ROW or following > end:
            break
        if size > length - _NULL_ROW or length < _NULL_ROW or not columns:
            raise PeerError(_SHORT)
        if size >= 0:
            window[buffer[position + 11 : position + 11 + size]] = None
        position = following
        left -= 1
    if left and last < position <= end - 5:  # too near to the end for a column: more to come, or malformed
        kind, length = _frame(buffer, position)
        if kind == DATA_ROW and position + 1 + length <= end:
            raise PeerError(_SHORT)
    return position, most - left


def _fill_behind(
    buffer: bytes, start: int, end: int, most: int, window: dict[bytes, None], column: int
) -> tuple[int, int]:
    """`fill_column` for a column that is not the first."""
    rows: list[Row] = []
    position = _General((column,))(buffer, start, end, most, rows)
    window.update((value, None) for (value,) in rows if value is not None)
    return position, len(rows)


def cut_first(buffer: bytes, start: int, end: int, most: int, rows: list[Row]) -> int:
    """Cut the first column alone: the usual place of a key.

    Raises:
        PeerError: a row that does not hold the column described.
    """
    position, last = start, end - 11
    add = rows.append
    while position <= last and most:
        kind, length, columns, size = _row_head(buffer, position)
        following = position + 1 + length
        if kind != DATA_ROW or following > end:
            break
        if size > length - _NULL_ROW or length < _NULL_ROW or not columns:
            raise PeerError(_SHORT)
        add((buffer[position + 11 : position + 11 + size] if size >= 0 else None,))
        position = following
        most -= 1
    if most and last < position <= end - 5:  # too near to the end for a column: more to come, or malformed
        kind, length = _frame(buffer, position)
        if kind == DATA_ROW and position + 1 + length <= end:
            raise PeerError(_SHORT)
    return position


class Scanner:
    """Cuts any ascending set of columns with `scan`."""

    __slots__ = ("_single", "_wanted")

    def __init__(self, indexes: Sequence[int]) -> None:
        self._wanted = bytes(index in indexes for index in range(indexes[-1] + 1))
        self._single = tuple(indexes) == (0,)

    def __call__(self, buffer: bytes, start: int, end: int, most: int, rows: list[Row]) -> int:
        return scan.cut_rows(buffer, start, end, most, rows, self._wanted, self._single)


class _General:
    """Cuts any ascending set of columns."""

    __slots__ = ("_wanted",)

    def __init__(self, indexes: tuple[int, ...]) -> None:
        last = indexes[-1]
        self._wanted = tuple(index in indexes for index in range(last + 1))

    def __call__(self, buffer: bytes, start: int, end: int, most: int, rows: list[Row]) -> int:
        position, last = start, end - 5
        wanted, need = self._wanted, len(self._wanted)
        try:
            while position <= last and most:
                kind, length = _frame(buffer, position)
                following = position + 1 + length
                if kind != DATA_ROW or following > end:
                    break
                if length < _EMPTY_ROW or (buffer[position + 5] << 8 | buffer[position + 6]) < need:
                    raise PeerError("a row with fewer columns than described")
                at = position + 7
                cut: list[bytes | None] = []
                for keep in wanted:
                    size = _length(buffer, at)[0]
                    at += 4
                    if size < 0:
                        if keep:
                            cut.append(None)
                        continue
                    if keep:
                        cut.append(buffer[at : at + size])
                    at += size
                if at > following:
                    raise PeerError(_SHORT)
                rows.append(tuple(cut))
                position = following
                most -= 1
        except struct.error as error:
            raise PeerError(_SHORT) from error
        return position


def cut_head(head: bytes, indexes: Sequence[int]) -> Row | None:
    """Columns of a row of which only the head was kept; None when they lie beyond it."""
    if not indexes:
        return ()
    cut: list[bytes | None] = []
    at, last = 7, indexes[-1]
    for index in range(last + 1):
        if at + 4 > len(head):
            return None
        size: int = _length(head, at)[0]
        at += 4
        if size < 0:
            if index in indexes:
                cut.append(None)
            continue
        if index in indexes:
            if at + size > len(head):
                return None
            cut.append(head[at : at + size])
        at += size
    return tuple(cut)
