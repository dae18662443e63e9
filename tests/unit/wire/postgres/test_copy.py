"""COPY rows are cut alike from text, CSV and binary, however the stream is split."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.wire.framing import PeerError
from quivive.wire.postgres.copy import BinaryCopy, CopyReader, CsvCopy, TextCopy

values = st.one_of(st.none(), st.text("ab1,;\"'\\\n\t\r é", max_size=8))
tables = st.lists(st.tuples(values, values, values), max_size=6)


def feed(reader: CopyReader, data: bytes, cuts: list[int]) -> list[tuple[bytes | None, ...]]:
    edges = [0, *sorted({cut for cut in cuts if cut < len(data)}), len(data)]
    return [row for a, b in itertools.pairwise(edges) for row in reader.feed(data[a:b])]


def expected(rows: list[tuple[str | None, ...]]) -> list[tuple[bytes | None, ...]]:
    return [tuple(None if row[i] is None else row[i].encode() for i in (0, 2)) for row in rows]


def as_text(rows: list[tuple[str | None, ...]]) -> bytes:
    def one(value: str | None) -> str:
        if value is None:
            return "\\N"
        for char, code in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
            value = value.replace(char, code)
        return value

    return "".join("\t".join(map(one, row)) + "\n" for row in rows).encode()


def as_csv(rows: list[tuple[str | None, ...]]) -> bytes:
    def one(value: str | None) -> str:
        return "" if value is None else '"' + value.replace('"', '""') + '"'

    return "".join(",".join(map(one, row)) + "\n" for row in rows).encode()


def as_binary(rows: list[tuple[str | None, ...]]) -> bytes:
    out = b"PGCOPY\n\xff\r\n\0" + struct.pack("!II", 0, 0)
    for row in rows:
        out += struct.pack("!h", len(row))
        for value in row:
            raw = None if value is None else value.encode()
            out += struct.pack("!i", -1) if raw is None else struct.pack("!i", len(raw)) + raw
    return out + struct.pack("!h", -1)


@given(tables, st.lists(st.integers(1, 200), max_size=5))
def test_all_formats_tell_the_same(rows: list[tuple[str | None, ...]], cuts: list[int]) -> None:
    """The same rows in three formats, split anywhere."""
    assert feed(TextCopy((0, 2), delimiter="\t", null="\\N", header=False), as_text(rows), cuts) == expected(rows)
    csv = CsvCopy((0, 2), delimiter=",", null="", quote='"', escape='"', header=False)
    assert feed(csv, as_csv(rows), cuts) == expected(rows)
    assert feed(BinaryCopy((0, 2)), as_binary(rows), cuts) == expected(rows)


def test_header_is_no_row() -> None:
    """A header line is skipped."""
    csv = CsvCopy((0,), delimiter=";", null="", quote='"', escape='"', header=True)
    assert csv.feed(b"id;name\n1;x\n") == [(b"1",)]


def test_octal_and_hexadecimal_escapes() -> None:
    """Escapes of the text format are resolved."""
    assert TextCopy((0,), delimiter="|", null="\\N", header=False).feed(b"\\101\\x42\\|c|d\n") == [(b"AB|c",)]


def test_what_is_not_announced_raises() -> None:
    """A stream that is not what was announced is a PeerError, not a wrong key."""
    with pytest.raises(PeerError):
        BinaryCopy((0,)).feed(b"1\tname\n" * 4)
    with pytest.raises(PeerError):
        TextCopy((2,), delimiter="\t", null="\\N", header=False).feed(b"1\t2\n")


@pytest.mark.parametrize("cut", range(12))
def test_what_an_account_sends(cut: int) -> None:
    """Line ends of any system, the old end mark, and a last row without its line end."""
    text = TextCopy((0,), delimiter="\t", null="\\N", header=False)
    csv = CsvCopy((0,), delimiter=",", null="", quote='"', escape='"', header=False)
    for reader, data in ((text, b"1\ta\r\n2\tb\n\\.\n3\tc"), (csv, b"1,a\r\n2,b\n\\.\n3,c")):
        assert feed(reader, data, [cut]) + reader.finish() == [(b"1",), (b"2",), (b"3",)]
        assert reader.finish() == []


@pytest.mark.parametrize(
    ("reader", "good", "bad"),
    [
        (TextCopy((0, 1), delimiter="\t", null="\\N", header=False), b"1\ta\n", b"2\n"),
        (CsvCopy((0, 1), delimiter=",", null="", quote='"', escape='"', header=False), b"1,a\n", b"2\n"),
        (BinaryCopy((0,)), b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8 + b"\x00\x01\x00\x00\x00\x011", b"\x00\x00"),
    ],
    ids=["text", "csv", "binary"],
)
def test_rows_before_a_broken_one_are_told(reader, good, bad):
    """One read or two, the rows that came before are the same; then the stream is refused, and stays so."""
    (row,) = reader.feed(good + bad)
    assert row[0] == b"1"
    for again in (lambda: reader.feed(good), reader.finish):
        with pytest.raises(PeerError):
            again()


def test_a_header_that_claims_gigabytes_keeps_nothing():
    """The extension of a binary COPY is bounded like a row; a negative one is no header."""
    for extension in (b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff"):
        with pytest.raises(PeerError):
            BinaryCopy((0,)).feed(b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 4 + extension)


def test_a_quoted_value_of_many_lines_is_looked_at_once():
    """Each line end inside quotes costs its own bytes, not all before it (a note of many lines stalled the relay)."""
    for escape in ('"', "\\"):
        reader = CsvCopy((0, 1), delimiter=",", null="", quote='"', escape=escape, header=False)
        text = b'1,"' + b"\n" * 200_000
        rows = []
        for at in range(0, len(text), 100):
            rows += reader.feed(text[at : at + 100])
        (row,) = [*rows, *reader.feed(b'"\n')]
        assert (row[0], len(row[1])) == (b"1", 200_000)


def test_an_escaped_escape_ends_no_quote():
    r"""`"a\\"` is closed: the escape before the quote is itself escaped."""
    plain = CsvCopy((0, 1), delimiter=",", null="", quote='"', escape="\\", header=False)
    assert plain.feed(b'1,"a\\\\"\n2,"b\\"\nc"\n') == [(b"1", b"a\\"), (b"2", b'b"\nc')]
