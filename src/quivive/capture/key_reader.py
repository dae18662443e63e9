"""How to turn cut values into pseudonyms, worked out once per (extraction, formats) and used by every execution.

Called by `capture.keys` only. Pure; holds keys of pseudonyms, never a value.
"""

from collections.abc import Sequence
from typing import Final

from quivive.capture.composite import composite_binary, composite_text
from quivive.capture.resolve import AlternateSpec, Extraction, KeySpec
from quivive.privacy.canonical import (
    BINARY_FORMAT,
    INTEGER_TYPES,
    Canonicaliser,
    canonical_alternate,
    canonical_key,
    canonicaliser,
)
from quivive.privacy.hasher import KeyHasher, alternate_hasher, neighbourhood_hasher, record_hasher
from quivive.privacy.pseudonym import NEIGHBOURHOOD_BYTES, ControllerKeys

Raw = bytes | tuple[bytes, ...]
Row = Sequence[bytes | None]

MAX_PREPARED: Final = 2_048
"""Extractions whose readers are kept (about 4 kB each); then all are made again."""
_ZERO: Final = ord("0")


class KeyReader:
    """Reads one KeySpec."""

    __slots__ = ("_attributes", "_composite", "_fast", "_near", "_position", "_read", "hasher", "integer", "spec")

    def __init__(self, spec: KeySpec, keys: ControllerKeys, formats: Sequence[int]) -> None:
        self.spec = spec
        self.hasher: KeyHasher = record_hasher(keys, spec.table)
        self.integer = len(spec.types) == 1 and spec.types[0] in INTEGER_TYPES
        wire_format = formats[spec.positions[0]]
        self._near = neighbourhood_hasher(keys, spec.table)
        self._attributes = spec.attributes
        self._position = spec.positions[0] if len(spec.positions) == 1 else -1
        self._composite = composite_binary if wire_format == BINARY_FORMAT else composite_text
        self._read: list[Canonicaliser] = [
            canonicaliser(type_oid, formats[spec.positions[0 if spec.attributes else n]])
            for n, type_oid in enumerate(spec.types)
        ]
        self._fast = self.integer and wire_format != BINARY_FORMAT and not spec.attributes

    @property
    def position(self) -> int:
        """Place of its value among the cut columns; -1 when it is made of several."""
        return self._position

    def raw(self, row: Row) -> Raw | None:
        """Raw key of one row; None when a part of it is NULL (the other side of an outer join)."""
        if self._position >= 0:
            return row[self._position]
        positions = self.spec.positions
        values = tuple(value for position in positions if (value := row[position]) is not None)
        return values if len(values) == len(positions) else None

    def fill(self, window: dict[Raw, None], rows: Sequence[Row]) -> None:
        """Put the raw keys of many rows into a window: the hot loop."""
        position = self._position
        if position >= 0:
            for row in rows:
                window[row[position]] = None  # type: ignore[index]  # None is taken out below, once
            window.pop(None, None)  # type: ignore[call-overload]
            return
        for row in rows:
            values = self.raw(row)
            if values is not None:
                window[values] = None

    def texts(self, raws: list[Raw]) -> list[bytes]:
        """Canonical key texts of many raw values, without those that cannot be read."""
        if self._fast and min(raws)[:1] > b"0" and b"".join(raws).isdigit():  # type: ignore[operator,arg-type]  # bytes
            return raws  # type: ignore[return-value]  # positive integers without leading zeros: as they come
        return [text for raw in raws if (text := self.encoded(raw)) is not None]

    def encoded(self, raw: Raw) -> bytes | None:
        """Canonical key text of a raw value, in UTF-8; None when it cannot be read."""
        if self._fast and raw.isdigit() and raw[0] != _ZERO:  # type: ignore[union-attr]  # one column: bytes
            return raw  # type: ignore[return-value]  # a positive integer in text is canonical as it comes
        if len(self._read) == 1 and not self._attributes:
            text = self._read[0](raw)  # type: ignore[arg-type]
            return None if text is None else text.encode("utf-8", "surrogatepass")
        values = self._values(raw)
        texts = [
            text
            for read, value in zip(self._read, values, strict=False)
            if value is not None and (text := read(value)) is not None
        ]
        return canonical_key(texts).encode("utf-8", "surrogatepass") if len(texts) == len(self._read) else None

    def _values(self, raw: Raw) -> Sequence[bytes | None]:
        if not self._attributes:
            return raw if isinstance(raw, tuple) else (raw,)
        fields = self._composite(raw) if isinstance(raw, bytes) else None
        if fields is None or max(self._attributes) >= len(fields):
            return ()
        return [fields[ordinal] for ordinal in self._attributes]

    def key(self, raw: Raw) -> str | None:
        """Pseudonym of a raw value, or None."""
        text = self.encoded(raw)
        return None if text is None else self.hasher(text)

    def neighbourhoods(self, shifted: Sequence[int]) -> list[str]:
        """Pseudonyms of neighbourhoods: integer keys, shifted."""
        return [key[: 2 * NEIGHBOURHOOD_BYTES] for key in self._near.many([str(one).encode() for one in shifted])]


class AlternateReader:
    """Reads one AlternateSpec."""

    __slots__ = ("_hasher", "_read", "spec")

    def __init__(self, spec: AlternateSpec, keys: ControllerKeys, wire_format: int) -> None:
        self.spec = spec
        self._hasher = alternate_hasher(keys, spec.kind)
        self._read = canonicaliser(spec.type_oid, wire_format)

    def key(self, raw: bytes, region: str) -> str | None:
        """Pseudonym of a value, None when it is no valid value of its kind."""
        text = self._read(raw)
        canonical = None if text is None else canonical_alternate(self.spec.kind, text, region)
        return None if canonical is None else self._hasher(canonical.encode())


class Prepared:
    """Readers of one extraction with its formats. Keeps the extraction alive, so that its identity stays its own."""

    __slots__ = ("alternates", "anonymous", "columns", "extraction", "keys")

    def __init__(self, extraction: Extraction, keys: ControllerKeys, formats: Sequence[int]) -> None:
        self.extraction = extraction
        self.keys = keys
        self.columns = tuple(KeyReader(spec, keys, formats) for spec in extraction.keys)
        self.alternates = tuple(AlternateReader(s, keys, formats[s.position]) for s in extraction.alternates)
        self.anonymous = any(one.spec.owner < 0 for one in self.alternates)


_PREPARED: Final[dict[tuple[int, int, tuple[int, ...]], Prepared]] = {}


def prepared(extraction: Extraction, keys: ControllerKeys, formats: Sequence[int]) -> Prepared:
    """Return the readers of an extraction, made once."""
    key = (id(extraction), id(keys), tuple(formats))
    found = _PREPARED.get(key)
    if found is None:
        if len(_PREPARED) >= MAX_PREPARED:
            _PREPARED.clear()
        found = _PREPARED[key] = Prepared(extraction, keys, formats)
    return found
