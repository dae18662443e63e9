"""The row cutters of `rows` over single bytes: a quarter of their time where this module is compiled (`COMPILED`).

Called by `rows`, which uses them only then; as plain Python they are correct and slow, and tests run both.
Pure. `scan.pxd` gives the C types; bounds are checked here by hand, since compiled code does not.
"""

from typing import Final

from quivive.wire.framing import PeerError

COMPILED: Final = not __file__.endswith(".py")
_SHORT: Final = "a row shorter than its columns"
_FEW: Final = "a row with fewer columns than described"


def skip_rows(buffer: bytes, start: int, end: int) -> tuple[int, int]:
    """See `rows.skip_rows`."""
    data = buffer
    position, rows = start, 0
    while position + 5 <= end:
        if data[position] != 0x44:
            break
        length = data[position + 1] << 24 | data[position + 2] << 16 | data[position + 3] << 8 | data[position + 4]
        if length > end - position - 1:
            break
        if length < 6:
            raise PeerError(_SHORT)
        rows += 1
        position += 1 + length
    return position, rows


def cut_rows(  # noqa: C901, PLR0912  # one loop without calls is what makes it quick
    buffer: bytes, start: int, end: int, most: int, rows: list[tuple[bytes | None, ...]], wanted: bytes, single: bool
) -> int:
    """Cut the columns for which `wanted` holds 1, up to its length; `single`: it is the first one and no other.

    Raises:
        PeerError: a row that does not hold the columns described.
    """
    data, keep = buffer, wanted
    need = len(wanted)
    position = start
    while position + 5 <= end and most > 0:
        if data[position] != 0x44:
            break
        length = data[position + 1] << 24 | data[position + 2] << 16 | data[position + 3] << 8 | data[position + 4]
        if length > end - position - 1:
            break
        following = position + 1 + length
        if length < 6 or (data[position + 5] << 8 | data[position + 6]) < need:
            raise PeerError(_SHORT if length < 6 else _FEW)
        at = position + 7
        cut: list[bytes | None] = []
        for column in range(need):
            if at + 4 > following:
                raise PeerError(_SHORT)
            size = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
            at += 4
            if size > 0x7FFFFFFF:  # NULL is -1
                if single:
                    rows.append((None,))
                elif keep[column]:
                    cut.append(None)
                continue
            if size > following - at:
                raise PeerError(_SHORT)
            if single:
                rows.append((data[at : at + size],))
            elif keep[column]:
                cut.append(data[at : at + size])
            at += size
        if not single:
            rows.append(tuple(cut))
        position = following
        most -= 1
    return position


def fill_column(
    buffer: bytes, start: int, end: int, most: int, window: dict[bytes, None], column: int
) -> tuple[int, int]:
    """See `rows.fill_column`."""
    data = buffer
    position, rows = start, 0
    while position + 5 <= end and rows < most:
        if data[position] != 0x44:
            break
        length = data[position + 1] << 24 | data[position + 2] << 16 | data[position + 3] << 8 | data[position + 4]
        if length > end - position - 1:
            break
        following = position + 1 + length
        if length < 6 or (data[position + 5] << 8 | data[position + 6]) <= column:
            raise PeerError(_SHORT if length < 6 else _FEW)
        at = position + 7
        for here in range(column + 1):
            if at + 4 > following:
                raise PeerError(_SHORT)
            size = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
            at += 4
            if size > 0x7FFFFFFF:  # NULL is -1
                continue
            if size > following - at:
                raise PeerError(_SHORT)
            if here == column:
                window[data[at : at + size]] = None
            at += size
        rows += 1
        position = following
    return position, rows
