"""Strict decoding of rows: NDJSON, a JSON array or one JSON object (DESIGN §6 "Access intake").

Called by the mappers of `capture.intake` and `contacts`, and by the intake. Pure. Must never repeat a
value, nor the name of an unknown field, in an error: the sender learns the row, the documented path,
what was expected and the *type* that was found (issue 2, "seeded personal data").
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from quivive.model.clock import Micros, from_rfc3339
from quivive.model.errors import QuiviveError, RefusedError

MAX_BATCH_BYTES: Final = 8 << 20
"""Bytes in one batch: about 10,000 rows of 800 bytes; bounds the memory of one request."""
MAX_ROWS: Final = 10_000
"""Rows in one batch: about 1.5 s of one core, in a worker thread, so that one sender cannot hold the others."""
MAX_ROW_BYTES: Final = 1 << 20
"""Bytes in one row: a listing of 4,096 records fits several times; anything longer is a mistake."""
MAX_ITEMS: Final = 16_384
"""Items in one array of a row: four access parts; a longer listing is sent as several accesses."""
MAX_TEXT: Final = 256
"""Characters in one text field: native ids, logins, record notations."""

_NDJSON: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)
_JSON: Final = "application/json"

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,47}")
_IDENTIFIER: Final = re.compile(r"[a-z_][a-z0-9_$]{0,62}(\.[a-z_][a-z0-9_$]{0,62}){0,2}")
_MAX_CODE_DIGITS: Final = 8  # the shortest telephone and account numbers in use are longer
# RFC 3339 §5.6: `fromisoformat` alone would also take week dates and bare days.
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


class FieldError(QuiviveError):
    """One field of one row is wrong. `found` is a type, never the value."""

    def __init__(self, field: str, expected: str, found: str) -> None:
        self.field, self.expected, self.found = field, expected, found
        super().__init__(f"{field}: expected {expected}, found {found}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """A refused row: `row` counts from 0 (lines of NDJSON, blank ones included, or items of an array)."""

    row: int
    field: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedRow:
    """One row of a batch: the object, or why it is none."""

    number: int
    value: dict[str, Any] | FieldError


_TYPE_NAMES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def type_name(value: object) -> str:
    """Name the JSON type of a value, all that an error may tell about it."""
    return _TYPE_NAMES.get(type(value), "another type")


def decode_rows(content_type: str, body: bytes) -> Iterator[DecodedRow]:
    """Split a batch into rows; each row is an object or a FieldError, never both.

    Raises:
        RefusedError: `content_type`, `too_large` (bytes or rows) or `body_unreadable` (an array that is no JSON).
    """
    if len(body) > MAX_BATCH_BYTES:
        raise RefusedError("too_large", f"at most {MAX_BATCH_BYTES} bytes in a batch, found {len(body)}")
    media = content_type.partition(";")[0].strip().lower()
    if media in _NDJSON:
        return _ndjson(body)
    if media == _JSON:
        return _json(body)
    raise RefusedError("content_type", "expected application/x-ndjson or application/json")


def _ndjson(body: bytes) -> Iterator[DecodedRow]:
    lines = body.split(b"\n")
    numbered = [(number, line) for number, line in enumerate(lines) if line.strip()]
    _check_count(len(numbered))
    return (DecodedRow(number=number, value=_object(line)) for number, line in numbered)


def _json(body: bytes) -> Iterator[DecodedRow]:
    stripped = body.strip()
    if not stripped:
        return iter(())
    if not stripped.startswith(b"["):
        return iter((DecodedRow(number=0, value=_object(stripped)),))
    try:
        items = msgspec.json.decode(stripped, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RefusedError("body_unreadable", "expected a JSON array of objects, found damaged JSON") from None
    _check_count(len(items))
    return (DecodedRow(number=number, value=_object(bytes(item))) for number, item in enumerate(items))


def _check_count(count: int) -> None:
    if count > MAX_ROWS:
        raise RefusedError("too_large", f"at most {MAX_ROWS} rows in a batch, found {count}")


def _object(line: bytes) -> dict[str, Any] | FieldError:
    if len(line) > MAX_ROW_BYTES:
        return FieldError("$", f"at most {MAX_ROW_BYTES} bytes in a row", "a longer row")
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return FieldError("$", "a JSON object in UTF-8", "damaged JSON")
    if not isinstance(value, dict):
        return FieldError("$", "a JSON object", type_name(value))
    return value


class Row:
    """Reads the documented fields of one object and refuses the rest. An explicit `null` is an absent field."""

    __slots__ = ("_path", "_read", "_value")

    def __init__(self, value: dict[str, Any], path: str = "$") -> None:
        self._value, self._path, self._read = value, path, set[str]()

    def where(self, name: str) -> str:
        """Return the JSON path of a documented field."""
        return f"{self._path}.{name}"

    def _get(self, name: str) -> Any:
        self._read.add(name)
        return self._value.get(name)

    def wrong(self, name: str, expected: str) -> FieldError:
        """Build the error of a documented field, with the type found."""
        found = type_name(self._value[name]) if name in self._value else "nothing"
        return FieldError(self.where(name), expected, found)

    def has(self, name: str) -> bool:
        """Tell whether a field is present and not null."""
        return self._get(name) is not None

    def text(self, name: str, *, default: str | None = None, expected: str = "a text") -> str:
        """Read a text of 1 to MAX_TEXT characters; `default` makes it optional."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_TEXT or not _encodable(value):
            raise self.wrong(name, f"{expected} of 1 to {MAX_TEXT} characters")
        return value.strip()

    def native_id(self, name: str = "id") -> str:
        """Read an identifier of the sender's system: a text or an integer."""
        value = self._get(name)
        if _is_key_integer(value):
            return str(value)
        return self.text(name, expected="an identifier: an integer, or a text")

    def code(self, name: str, *, default: str | None = None) -> str:
        """Read a word of the organisation kept in clear (team, campaign, site): a code, so that no full name fits."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not is_code(value):
            raise self.wrong(name, f"a code (letters, digits, . _ / -; at most 48, at most {_MAX_CODE_DIGITS} digits)")
        return value

    def identifier(self, name: str) -> str:
        """Read a table or column name as the catalogue writes it."""
        value = self._get(name)
        if not isinstance(value, str) or not is_identifier(value):
            raise self.wrong(name, "a table or column name in lower case")
        return value

    def instant(self, name: str, *, default: int | None = None, latest: int | None = None) -> int:
        """Read an RFC 3339 instant with an offset, not after `latest` (microseconds)."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        at = _instant(value)
        if at is None:
            raise self.wrong(name, "an RFC 3339 instant with an offset, for example 2026-11-22T14:05:00Z")
        if latest is not None and at > latest:
            raise FieldError(self.where(name), "an instant that is not in the future", "a later instant")
        return at

    def integer(self, name: str, *, default: int | None = None, minimum: int = 0, maximum: int = 2**53) -> int:
        """Read an integer between two bounds."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise self.wrong(name, f"an integer from {minimum} to {maximum}")
        return value

    def boolean(self, name: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self._get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def choice(self, name: str, kind: type[E], *, default: E | None = None) -> E:
        """Read a member of a closed set."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        try:
            return kind(value)
        except ValueError:
            raise self.wrong(name, "one of " + ", ".join(kind)) from None

    def items(self, name: str, read: Callable[[Any, str], T], *, expected: str = "an array") -> tuple[T, ...]:
        """Read an optional array; `read(item, path)` maps or raises FieldError."""
        value = self._get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.wrong(name, expected)
        if len(value) > MAX_ITEMS:
            raise FieldError(self.where(name), f"at most {MAX_ITEMS} items", "a longer array")
        return tuple(read(item, f"{self.where(name)}[{index}]") for index, item in enumerate(value))

    def done(self) -> None:
        """Refuse fields that were never read: a misspelt field must not vanish silently."""
        if len(self._read) >= len(self._value) and self._value.keys() <= self._read:
            return
        for position, name in enumerate(self._value, start=1):
            if name not in self._read:
                raise FieldError(self._path, "documented fields only", f"an unknown field (number {position})")


def sub_row(value: Any, path: str) -> Row:
    """Read one item of an array as an object."""
    if not isinstance(value, dict):
        raise FieldError(path, "an object", type_name(value))
    return Row(value, path)


def text_item(value: Any, path: str) -> str:
    """Read one item of an array as a text or an integer."""
    if _is_key_integer(value):
        return str(value)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not _encodable(value):
        raise FieldError(path, f"a text of 1 to {MAX_TEXT} characters", type_name(value))
    return value


def identifier_item(value: Any, path: str) -> str:
    """Read one item of an array as a table or column name."""
    if not isinstance(value, str) or not is_identifier(value):
        raise FieldError(path, "a table or column name in lower case", type_name(value))
    return value


def is_code(text: str) -> bool:
    """Tell whether a text may stand in clear as a code of the organisation."""
    return bool(_CODE.fullmatch(text)) and sum(map(str.isdigit, text)) <= _MAX_CODE_DIGITS


def is_identifier(text: str) -> bool:
    """Tell whether a text is a lower-case SQL name of one to three parts."""
    return bool(_IDENTIFIER.fullmatch(text))


def _instant(value: Any) -> Micros | None:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return None
    try:
        return from_rfc3339(value.upper())
    except (ValueError, OverflowError):
        return None


def _is_key_integer(value: Any) -> bool:
    """Tell whether a value is an integer a database can hold as a key; JSON itself has no bound."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _encodable(text: str) -> bool:
    """Refuse lone surrogates: they have no UTF-8, so they could be neither hashed nor compared."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
