"""Composite and array values on the wire."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.capture.composite import array_items, composite_binary, composite_text


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b"(1,abc,)", [b"1", b"abc", None]),
        (b'(1,"a, ""b""",\\x)', [b"1", b'a, "b"', b"x"]),
        (b'("",)', [b"", None]),
        (b"()", [None]),
        (b'("a\\"b",2)', [b'a"b', b"2"]),
        (b"(1", None),
        (b"", None),
    ],
)
def test_composite_text(raw: bytes, fields: list[bytes | None] | None) -> None:
    """Quotes, doubled quotes, backslashes, NULL and the empty string, as record_out writes them."""
    assert composite_text(raw) == fields


def binary(fields: list[bytes | None]) -> bytes:
    body = b"".join(struct.pack("!Ii", 25, -1 if f is None else len(f)) + (f or b"") for f in fields)
    return struct.pack("!i", len(fields)) + body


@settings(deadline=None)
@given(st.lists(st.none() | st.binary(max_size=6), max_size=5))
def test_composite_binary(fields: list[bytes | None]) -> None:
    """What record_send writes is read back; a cut value is refused."""
    raw = binary(fields)
    assert composite_binary(raw) == fields
    if fields:
        assert composite_binary(raw[:-1]) is None


@pytest.mark.parametrize(
    ("raw", "items"),
    [
        (b"{1,2,3}", [b"1", b"2", b"3"]),
        (b"{}", []),
        (b'{"a,b",NULL,"NULL"}', [b"a,b", None, b"NULL"]),
        (b"{{1},{2}}", None),
        (b"1,2", None),
    ],
)
def test_array_text(raw: bytes, items: list[bytes | None] | None) -> None:
    """One-dimensional arrays in text."""
    assert array_items(raw, 0) == items


def test_array_binary() -> None:
    """One-dimensional arrays in binary; empty, NULL inside, cut and many-dimensional ones."""
    head = struct.pack("!iiIii", 1, 1, 20, 2, 1)
    raw = head + struct.pack("!iq", 8, 5) + struct.pack("!i", -1)
    assert array_items(raw, 1) == [struct.pack("!q", 5), None]
    assert array_items(raw[:-2], 1) is None
    assert array_items(struct.pack("!iii", 0, 0, 20), 1) == []
    assert array_items(struct.pack("!iii", 2, 0, 20), 1) is None
    assert array_items(b"", 1) is None


@settings(deadline=None)
@given(st.binary(max_size=40), st.sampled_from([0, 1]))
def test_never_raises(raw: bytes, wire_format: int) -> None:
    """Any bytes are items or nothing."""
    array_items(raw, wire_format)
    composite_text(raw)
    composite_binary(raw)
