r"""One canonical text per key value, whatever its way in: text or binary wire, literal, bind, file, call.

Called by relay, intake and contacts before a pseudonym is made. Pure; must never keep a value beyond its bounded
caches, nor put one in an error. Golden table: tests/golden/canonical.json.

Rules: integers without sign or zeros in front; numeric without zeros behind the point; uuid, and any text of that
form, in lower case with hyphens; char(n) without padding; text as it is; date `2026-11-22`; timestamp
`2026-11-22T08:30:00[.ffffff]`, with time zone in UTC and `Z`; bytea in lower-case hexadecimal; boolean `t` or `f`.
Parts of a composite key are joined by `,`; `,` and `\` inside a part are escaped by `\`.
"""

import re
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from quivive.model.catalogue import Catalogue, Table
from quivive.model.errors import RefusedError
from quivive.privacy.phone import to_e164

BINARY_FORMAT: Final = 1

Canonicaliser = Callable[[bytes], str | None]

# Type OIDs of pg_type.dat; fixed in PostgreSQL since they were given.
BOOL, BYTEA, CHAR, NAME, INT8, INT2, INT4, TEXT, OID = 16, 17, 18, 19, 20, 21, 23, 25, 26
BPCHAR, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, NUMERIC, UUID, CITEXT_LIKE = 1042, 1043, 1082, 1114, 1184, 1700, 2950, 0
INTEGER_TYPES: Final = frozenset({INT2, INT4, INT8, OID})
_TEXTUAL: Final = frozenset({TEXT, VARCHAR, NAME, CHAR, CITEXT_LIKE})

MAX_DIGITS: Final = 1_000
"""Digits of a numeric key; more is no key, and would make conversion slow."""
_UUID: Final = re.compile(
    r"\{?([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})\}?"
)
_HYPHENED: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,30}")
_STAMP: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?\s*(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?", re.IGNORECASE
)
_EPOCH_2000: Final = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts days and microseconds from there
_UUID_BYTES: Final = 16
_NUMERIC_NEGATIVE: Final = 0x4000
_NUMERIC_POSITIVE: Final = 0x0000
_INTEGERS: Final = {2: struct.Struct("!h"), 4: struct.Struct("!i"), 8: struct.Struct("!q")}
_DAY: Final = struct.Struct("!i")
_MICROSECONDS: Final = struct.Struct("!q")
_NUMERIC_HEAD: Final = struct.Struct("!HhHH")


def canonicaliser(type_oid: int, wire_format: int) -> Canonicaliser:
    """Return the function from one wire value to canonical text; it returns None for what it cannot read."""
    if wire_format == BINARY_FORMAT:
        return _BINARY.get(type_oid, _unreadable)
    reader = _FROM_TEXT.get(type_oid)
    if reader is _plain:
        return _plain_bytes
    if reader is None:
        return _plain_bytes if type_oid == 0 else _unreadable
    return _decoded(reader)


def canonical_text(type_oid: int, wire_format: int, raw: bytes) -> str | None:
    """Canonical text of one wire value (see `canonicaliser`)."""
    return canonicaliser(type_oid, wire_format)(raw)


def canonical_literal(type_oid: int, text: str) -> str | None:
    """Canonical text of a literal or of a text bind compared with a column of this type (0: type unknown)."""
    reader = _plain if type_oid == 0 else _FROM_TEXT.get(type_oid)
    return None if reader is None else reader(text)


def canonical_key(parts: Sequence[str]) -> str:
    r"""Join the canonical texts of a primary key; one part stays itself, several are joined by `,` (see `\`)."""
    if len(parts) == 1:
        return parts[0]
    return ",".join(part.replace("\\", "\\\\").replace(",", "\\,") for part in parts)


def canonical_alternate(kind: str, text: str, default_region: str) -> str | None:
    """Canonical text of an alternate key: `phone` E.164, `email` lower-case, others trimmed and case-folded.

    None when it is no valid value of its kind (an invalid phone is never compared).
    """
    if kind == "phone":
        return to_e164(text, default_region)
    folded = " ".join(text.split()).casefold()
    if kind == "email":
        at = folded.rfind("@")
        return folded if 0 < at < len(folded) - 1 and " " not in folded else None
    return folded or None


def parse_record(catalogue: Catalogue, text: str) -> tuple[Table, str]:
    """Read the notation `customer:2` or `public.customer:2` into its table and canonical key text.

    Raises:
        RefusedError: `record_notation`, `record_table_unknown`, `record_table_ambiguous`, `record_key_parts`.
    """
    name, colon, key = text.partition(":")
    name, key = name.strip(), key.strip()
    if not colon or not name or not key:
        raise RefusedError("record_notation", "expected table:key")
    return declared_table(catalogue, name), _declared_key(declared_table(catalogue, name), key)


def declared_table(catalogue: Catalogue, name: str) -> Table:
    """Find a declared table by `schema.table`, or by `table` when only one schema has it.

    Raises:
        RefusedError: `record_table_unknown`, `record_table_ambiguous`.
    """
    if "." in name:
        table = catalogue.table(name)
        found = [table] if table is not None else []
    else:
        found = [table for table in catalogue.tables if table.name.rsplit(".", 1)[-1] == name]
    if not found:
        raise RefusedError("record_table_unknown", "expected a table of the catalogue")
    if len(found) > 1:
        raise RefusedError("record_table_ambiguous", "expected schema.table: several schemas have this table")
    return found[0]


def canonical_declared(table: Table, parts: Sequence[str]) -> str:
    """Canonical key of a record named by a file, a call or a person, where the column types are not at hand.

    Raises:
        RefusedError: `record_key_parts`: not as many values as the key has columns.
    """
    if len(parts) != len(table.key):
        raise RefusedError("record_key_parts", f"expected {len(table.key)} key values, found {len(parts)}")
    return canonical_key([_plain(part.strip()) for part in parts])


def _declared_key(table: Table, key: str) -> str:
    parts = [key] if len(table.key) == 1 else split_key(key)
    return canonical_declared(table, parts)


def split_key(text: str) -> list[str]:
    r"""Split a composite key text at unescaped commas and undo the escapes (inverse of `canonical_key`)."""
    parts = [""]
    letters = iter(text)
    for letter in letters:
        if letter == ",":
            parts.append("")
        else:
            parts[-1] += next(letters, "\\") if letter == "\\" else letter
    return parts


# Text ---------------------------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    return text.lower() if len(text) == 36 and _HYPHENED.fullmatch(text) else text


def _plain_bytes(raw: bytes) -> str | None:
    """Text keys are compared as bytes; what is no UTF-8 (LATIN1 databases) is read byte by byte, the same each time."""
    try:
        return _plain(raw.decode())
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _padded(text: str) -> str:
    return _plain(text.rstrip(" "))


def _integer(text: str) -> str | None:
    text = text.strip()
    if _INTEGER.fullmatch(text):
        return str(int(text))
    number = _numeric(text)  # `2.0` compared with an integer column finds 2
    return number if number is not None and "." not in number else None


def _numeric(text: str) -> str | None:
    text = text.strip()
    if len(text) > MAX_DIGITS:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite():
        return "NaN" if number.is_nan() else None
    if abs(number.adjusted()) > MAX_DIGITS:
        return None
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in {"-0", ""} else plain


def _uuid(text: str) -> str | None:
    match = _UUID.fullmatch(text.strip())
    return None if match is None else "-".join(match.groups()).lower()


def _date(text: str) -> str | None:
    try:
        return date.fromisoformat(text.strip()[:10]).isoformat()
    except ValueError:
        return None


def _stamp(text: str, *, zoned: bool) -> str | None:
    match = _STAMP.fullmatch(text.strip())
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    if zoned and zone is None:
        return None  # its meaning depends on the session's time zone
    clock = clock if len(clock) == 8 else clock + ":00"
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0').ljust(6, '0')}").replace(tzinfo=UTC)
    except ValueError:
        return None
    return _moment(moment - _offset(zone) if zoned else moment, zoned=zoned)


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "zZ":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(6, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:]))
    return -size if zone[0] == "-" else size


def _moment(moment: datetime, *, zoned: bool) -> str:
    text = moment.replace(tzinfo=None).isoformat(timespec="microseconds")
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return whole + ("." + fraction if fraction else "") + ("Z" if zoned else "")


def _bytea(text: str) -> str | None:
    if text.startswith("\\x"):
        try:
            return bytes.fromhex(text[2:]).hex()
        except ValueError:
            return None
    raw = re.sub(rb"\\(\\|[0-7]{3})", _unescaped, text.encode())
    return raw.hex()


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return b"\\" if code == b"\\" else bytes([int(code, 8) & 0xFF])


def _boolean(text: str) -> str | None:
    folded = text.strip().lower()
    if folded in {"t", "true", "y", "yes", "on", "1"}:
        return "t"
    return "f" if folded in {"f", "false", "n", "no", "off", "0"} else None


def _plain_stamp(text: str) -> str | None:
    return _stamp(text, zoned=False)


def _zoned_stamp(text: str) -> str | None:
    return _stamp(text, zoned=True)


# Binary -------------------------------------------------------------------------------------------------------


def _unreadable(_raw: bytes) -> str | None:
    return None


def _binary_integer(raw: bytes) -> str | None:
    layout = _INTEGERS.get(len(raw))
    return None if layout is None else str(layout.unpack(raw)[0])


def _binary_oid(raw: bytes) -> str | None:
    return str(int.from_bytes(raw)) if len(raw) == 4 else None


def _binary_padded(raw: bytes) -> str | None:
    text = _plain_bytes(raw)
    return None if text is None else _padded(text)


def _binary_numeric(raw: bytes) -> str | None:
    """Base-10,000 digits, weight of the first, sign, display scale (numeric_send)."""
    if len(raw) < _NUMERIC_HEAD.size:
        return None
    count, weight, sign, _scale = _NUMERIC_HEAD.unpack_from(raw)
    if sign not in {_NUMERIC_POSITIVE, _NUMERIC_NEGATIVE}:
        return "NaN" if sign == 0xC000 else None
    if len(raw) != _NUMERIC_HEAD.size + 2 * count or count > MAX_DIGITS or abs(weight) > MAX_DIGITS:
        return None
    number = 0
    for digit in struct.unpack_from(f"!{count}H", raw, _NUMERIC_HEAD.size):
        number = number * 10_000 + digit
    decimal = Decimal(number).scaleb(4 * (weight - count + 1))
    return _numeric(format(-decimal if sign else decimal, "f"))


def _binary_uuid(raw: bytes) -> str | None:
    if len(raw) != _UUID_BYTES:
        return None
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _binary_date(raw: bytes) -> str | None:
    if len(raw) != _DAY.size:
        return None
    try:
        return (_EPOCH_2000 + timedelta(days=_DAY.unpack(raw)[0])).date().isoformat()
    except OverflowError:  # infinity, years PostgreSQL knows and Python does not
        return None


def _binary_stamp(*, zoned: bool) -> Canonicaliser:
    def read(raw: bytes) -> str | None:
        if len(raw) != _MICROSECONDS.size:
            return None
        try:
            return _moment(_EPOCH_2000 + timedelta(microseconds=_MICROSECONDS.unpack(raw)[0]), zoned=zoned)
        except OverflowError:
            return None

    return read


def _binary_boolean(raw: bytes) -> str | None:
    return {b"\x01": "t", b"\x00": "f"}.get(raw)


@lru_cache(maxsize=32)
def _decoded(reader: Callable[[str], str | None]) -> Canonicaliser:
    def read(raw: bytes) -> str | None:
        try:
            return reader(raw.decode())
        except UnicodeDecodeError:
            return reader(raw.decode("latin-1"))

    return read


_FROM_TEXT: Final[dict[int, Callable[[str], str | None]]] = {
    **dict.fromkeys(_TEXTUAL, _plain),
    **dict.fromkeys(INTEGER_TYPES, _integer),
    BPCHAR: _padded,
    NUMERIC: _numeric,
    UUID: _uuid,
    DATE: _date,
    TIMESTAMP: _plain_stamp,
    TIMESTAMPTZ: _zoned_stamp,
    BYTEA: _bytea,
    BOOL: _boolean,
}
_BINARY: Final[dict[int, Canonicaliser]] = {
    **dict.fromkeys(_TEXTUAL - {CITEXT_LIKE}, _plain_bytes),
    INT2: _binary_integer,
    INT4: _binary_integer,
    INT8: _binary_integer,
    OID: _binary_oid,
    BPCHAR: _binary_padded,
    NUMERIC: _binary_numeric,
    UUID: _binary_uuid,
    DATE: _binary_date,
    TIMESTAMP: _binary_stamp(zoned=False),
    TIMESTAMPTZ: _binary_stamp(zoned=True),
    BYTEA: bytes.hex,
    BOOL: _binary_boolean,
}
