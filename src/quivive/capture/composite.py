"""Fields of a composite value on the wire: the whole-row column of `SELECT c FROM customer c` (capture reference §4).

Called by `capture.keys`. Pure; a value that is not of the form gives None and the row is counted as unread.
"""

import struct
from typing import Final

_HEAD: Final = struct.Struct("!i")
_FIELD: Final = struct.Struct("!Ii")
MAX_FIELDS: Final = 1_664
"""Columns of a row in PostgreSQL (MaxTupleAttributeNumber)."""


def composite_text(raw: bytes) -> list[bytes | None] | None:
    r'''Split `(1,"a ""b""",)` into its fields; an empty field is NULL, `""` the empty string (record_out).'''
    if len(raw) < 2 or raw[:1] != b"(" or raw[-1:] != b")":
        return None
    fields: list[bytes | None] = []
    at, end = 1, len(raw) - 1
    while True:
        value, quoted, at = _field(raw, at, end)
        fields.append(value if value or quoted else None)
        if at >= end:
            return fields
        at += 1  # the comma
        if len(fields) > MAX_FIELDS:
            return None


def _field(raw: bytes, at: int, end: int) -> tuple[bytes, bool, int]:
    if at < end and raw[at] != 0x22 and raw[at] != 0x5C:
        comma = raw.find(b",", at, end)
        stop = end if comma < 0 else comma
        plain = raw[at:stop]
        if b'"' not in plain and b"\\" not in plain:
            return plain, False, stop
    out = bytearray()
    quoted = inside = False
    while at < end:
        octet = raw[at]
        if octet == 0x22:  # "
            if inside and raw[at + 1 : at + 2] == b'"' and at + 1 < end:
                out.append(octet)
                at += 1
            else:
                inside, quoted = not inside, True
        elif octet == 0x5C and at + 1 < end:  # \
            at += 1
            out.append(raw[at])
        elif octet == 0x2C and not inside:
            break
        else:
            out.append(octet)
        at += 1
    return bytes(out), quoted, at


def composite_binary(raw: bytes) -> list[bytes | None] | None:
    """Split the binary form (record_send): count, then type OID, length and bytes of each field."""
    if len(raw) < _HEAD.size:
        return None
    count = _HEAD.unpack_from(raw)[0]
    if not 0 <= count <= MAX_FIELDS:
        return None
    fields: list[bytes | None] = []
    at = _HEAD.size
    for _ in range(count):
        if at + _FIELD.size > len(raw):
            return None
        length = _FIELD.unpack_from(raw, at)[1]
        at += _FIELD.size
        if length < 0:
            fields.append(None)
            continue
        if at + length > len(raw):
            return None
        fields.append(raw[at : at + length])
        at += length
    return fields


def array_items(raw: bytes, wire_format: int) -> list[bytes | None] | None:
    """Items of a one-dimensional array value, text `{1,"a,b",NULL}` or binary (array_send); None when it is none."""
    return _array_binary(raw) if wire_format == 1 else _array_text(raw)


def _array_text(raw: bytes) -> list[bytes | None] | None:
    text = raw.strip()
    if text[:1] != b"{" or text[-1:] != b"}":
        return None
    if text == b"{}":
        return []
    items: list[bytes | None] = []
    at, end = 1, len(text) - 1
    while True:
        value, quoted, at = _field(text, at, end)
        value = value if quoted else value.strip()
        if not quoted and value.startswith(b"{"):
            return None
        items.append(None if not quoted and value.upper() == b"NULL" else value)
        if at >= end:
            return items
        at += 1


def _array_binary(raw: bytes) -> list[bytes | None] | None:
    if len(raw) < 12:
        return None
    dimensions = _HEAD.unpack_from(raw)[0]
    if dimensions == 0:
        return []
    if dimensions != 1 or len(raw) < 20:
        return None
    count = _HEAD.unpack_from(raw, 12)[0]
    items: list[bytes | None] = []
    at = 20
    for _ in range(count):
        if at + 4 > len(raw):
            return None
        length = _HEAD.unpack_from(raw, at)[0]
        at += 4
        if length < 0:
            items.append(None)
        elif at + length > len(raw):
            return None
        else:
            items.append(raw[at : at + length])
            at += length
    return items
