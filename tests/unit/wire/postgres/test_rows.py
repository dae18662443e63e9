"""Row cutters cut what was asked for, and stop where they must."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.wire.framing import PeerError
from quivive.wire.postgres import scan
from quivive.wire.postgres.rows import Scanner, cut_head, cutter_of, fill_column, skip_rows

columns = st.lists(st.one_of(st.none(), st.binary(max_size=9)), min_size=3, max_size=5)


def row(values: list[bytes | None]) -> bytes:
    body = struct.pack("!H", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return b"D" + struct.pack("!I", len(body) + 4) + body


@given(st.lists(columns, max_size=5), st.sampled_from([(0,), (1,), (0, 2), (1, 2)]), st.integers(0, 40))
def test_cut_columns(table: list[list[bytes | None]], indexes: tuple[int, ...], chopped: int) -> None:
    """Whole rows are cut; a part row at the end is left; the offset is where the next read must go on."""
    whole = b"".join(map(row, table))
    data = whole[: max(0, len(whole) - chopped)]
    position, count = skip_rows(data, 0, len(data))
    cut: list[tuple[bytes | None, ...]] = []
    assert cutter_of(indexes)(data, 0, len(data), 1_000, cut) == position
    assert cut == [tuple(values[i] for i in indexes) for values in table[:count]]
    scanned: list[tuple[bytes | None, ...]] = []
    assert scan.skip_rows(data, 0, len(data)) == (position, count)
    assert (Scanner(indexes)(data, 0, len(data), 1_000, scanned), scanned) == (position, cut)
    for values in table:
        assert cut_head(row(values), indexes) == tuple(values[i] for i in indexes)


@given(st.lists(columns, max_size=5), st.integers(0, 2), st.integers(0, 40), st.integers(1, 6))
def test_one_column_into_a_window(table: list[list[bytes | None]], column: int, chopped: int, most: int) -> None:
    """What a cutter cuts, without NULL and without a row for each; whole rows alone, as many as asked for."""
    whole = b"".join(map(row, table))
    data = whole[: max(0, len(whole) - chopped)]
    cut: list[tuple[bytes | None, ...]] = []
    position = cutter_of((column,))(data, 0, len(data), most, cut)
    for fill in (fill_column, scan.fill_column):
        window: dict[bytes, None] = {}
        assert fill(data, 0, len(data), most, window, column) == (position, len(cut))
        assert list(window) == list(dict.fromkeys(value for (value,) in cut if value is not None))


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\1", b"\0\1\xff\xff\xff", b"\0\1\0\0\0\x09x"])
@pytest.mark.parametrize("column", [0, 1])
def test_a_window_takes_nothing_of_a_broken_row(body: bytes, column: int) -> None:
    """A row that does not hold the column is a PeerError."""
    bad = b"D" + struct.pack("!I", len(body) + 4) + body + bytes(16)
    for fill in (fill_column, scan.fill_column):
        with pytest.raises(PeerError):
            fill(bad, 0, len(bad), 10, {}, column)


def test_most_rows_at_once() -> None:
    """A cutter stops after as many rows as were asked for."""
    data = row([b"1", b"2"]) * 5
    cut: list[tuple[bytes | None, ...]] = []
    position = cutter_of((0,))(data, 0, len(data), 2, cut)
    assert (len(cut), position) == (2, 2 * len(row([b"1", b"2"])))


@pytest.mark.parametrize("indexes", [(0,), (1,), (0, 1)])
def test_a_row_that_lies_about_its_columns(indexes: tuple[int, ...]) -> None:
    """Lengths that run over the row are a PeerError."""
    body = struct.pack("!HiBiB", 2, 1, 49, 900, 50) if indexes != (0,) else struct.pack("!HiB", 2, 900, 49) + b"xxxx"
    bad = b"D" + struct.pack("!I", len(body) + 4) + body
    with pytest.raises(PeerError):
        cutter_of(indexes)(bad + bytes(8), 0, len(bad) + 8, 10, [])
    with pytest.raises(PeerError):
        Scanner(indexes)(bad + bytes(8), 0, len(bad) + 8, 10, [])


def test_a_head_without_the_column() -> None:
    """A column beyond the kept head is unknown, not empty."""
    assert cut_head(row([b"x" * 50, b"17"])[:30], (1,)) is None


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\1", b"\0\1\xff\xff\xff"])
@pytest.mark.parametrize("behind", [b"", bytes(16)])
def test_a_row_too_short_for_any_column(body: bytes, behind: bytes) -> None:
    """A whole frame that cannot hold the column is a PeerError wherever it stands, never a row to wait for."""
    bad = b"D" + struct.pack("!I", len(body) + 4) + body + behind
    for indexes in ((0,), (0, 1)):
        with pytest.raises(PeerError):
            cutter_of(indexes)(bad, 0, len(bad), 10, [])
        with pytest.raises(PeerError):
            Scanner(indexes)(bad, 0, len(bad), 10, [])
    if len(body) < 2:
        for skip in (skip_rows, scan.skip_rows):
            with pytest.raises(PeerError):
                skip(bad, 0, len(bad))


def test_a_row_without_columns_is_a_row() -> None:
    """`select from t` gives rows of no column: they are passed and counted."""
    assert skip_rows(row([]) * 3, 0, 21) == (21, 3)
