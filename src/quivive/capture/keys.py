"""Keys of one execution: cut column values in, pseudonyms out. The hot loop of large results.

Called by the relay: one KeyCollector per execution, `add_rows` per chunk of rows, `take_parts` when full and at the
end. Must never outgrow MAX_KEYS_PER_PART records per part, nor keep a value after its part is taken.

Rows only enter a window of distinct raw values (about 0.1 µs a row); canonical text and HMAC are done once per
distinct value, when a part is taken. The window and the one before it are remembered, so that `distinct` is exact up
to two windows and, in larger results, an upper bound: a record that comes back later counts again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from quivive.capture.composite import composite_binary, composite_text
from quivive.capture.patterns import patterns_of
from quivive.capture.predicate_keys import PredicateKeys, execute_binds, predicate_keys
from quivive.capture.resolve import AlternateSpec, Extraction, KeySpec
from quivive.model.access import (
    MAX_KEYS_PER_PART,
    MAX_SUBJECTS_FOR_ALTERNATES,
    CoverageClass,
    LinkBody,
    RecordGroup,
)
from quivive.privacy.canonical import (
    BINARY_FORMAT,
    INTEGER_TYPES,
    Canonicaliser,
    canonical_alternate,
    canonical_key,
    canonicaliser,
)
from quivive.privacy.hasher import KeyHasher, alternate_hasher, record_hasher
from quivive.privacy.pseudonym import NEIGHBOURHOOD_SHIFT, ControllerKeys, neighbourhood

__all__ = ["KeyCollector", "KeyPart", "PredicateKeys", "execute_binds", "patterns_of", "predicate_keys"]

MAX_ROWS_PER_CALL: Final = 512
"""Rows the relay passes at once: what may enter a window after it was found not full."""
MAX_LINKS: Final = 1_024
"""Links emitted by one execution; a listing of more is left to `links sync`."""
MAX_NEIGHBOURHOODS: Final = 512
"""Neighbourhoods in one part; enumeration shows long before."""
RECORD_KIND: Final = "record"
"""`LinkBody.left_kind` of a record key; every other kind is an alternate key."""

_ZERO: Final = ord("0")

Raw = bytes | tuple[bytes, ...]
Row = Sequence[bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPart:
    """Pseudonyms of one part. `coverage` may be worse than the Extraction's (unreadable keys, too many alternates)."""

    records: tuple[RecordGroup, ...]
    links: tuple[LinkBody, ...]
    neighbourhoods: tuple[str, ...]
    distinct: int  # over the parts so far
    coverage: CoverageClass


class _Column:
    """Collects one KeySpec: window of raw values, and how to turn one into a canonical text."""

    __slots__ = ("_before", "_fast", "_read", "_reader", "hasher", "integer", "spec", "unread", "window")

    def __init__(self, spec: KeySpec, keys: ControllerKeys, formats: Sequence[int]) -> None:
        self.spec = spec
        self.hasher: KeyHasher = record_hasher(keys, spec.table)
        self.window: dict[Raw, None] = {}
        self._before: dict[Raw, None] = {}
        self.unread = 0
        self.integer = len(spec.types) == 1 and spec.types[0] in INTEGER_TYPES
        wire_format = formats[spec.positions[0]]
        self._reader = composite_binary if wire_format == BINARY_FORMAT else composite_text
        self._read: list[Canonicaliser] = [
            canonicaliser(type_oid, formats[spec.positions[0 if spec.attributes else n]])
            for n, type_oid in enumerate(spec.types)
        ]
        self._fast = self.integer and wire_format != BINARY_FORMAT and not spec.attributes

    def raw(self, row: Row) -> Raw | None:
        """Raw key of one row; None when a part of it is NULL (the other side of an outer join)."""
        positions = self.spec.positions
        if len(positions) == 1:
            return row[positions[0]]
        values = tuple(value for position in positions if (value := row[position]) is not None)
        return values if len(values) == len(positions) else None

    def add(self, rows: Iterable[Row]) -> None:
        positions, window = self.spec.positions, self.window
        if len(positions) == 1:
            position = positions[0]
            for row in rows:
                window[row[position]] = None  # type: ignore[index]  # None is taken out below, once
            window.pop(None, None)  # type: ignore[call-overload]
            return
        for row in rows:
            values = self.raw(row)
            if values is not None:
                window[values] = None

    def take(self) -> list[Raw]:
        """New distinct raw values since the last part."""
        if not self.window:
            return []
        new = [raw for raw in self.window if raw not in self._before] if self._before else list(self.window)
        self._before, self.window = self.window, {}
        return new

    def encoded(self, raw: Raw) -> bytes | None:
        """Canonical key text of a raw value, in UTF-8; None when it cannot be read."""
        if self._fast and raw.isdigit() and raw[0] != _ZERO:  # type: ignore[union-attr]  # one column: bytes
            return raw  # type: ignore[return-value]  # a positive integer in text is canonical as it comes
        if len(self._read) == 1 and not self.spec.attributes:
            text = self._read[0](raw)  # type: ignore[arg-type]
            return None if text is None else text.encode("utf-8", "surrogatepass")
        if self.spec.attributes:
            fields = self._reader(raw) if isinstance(raw, bytes) else None
            if fields is None or max(self.spec.attributes) >= len(fields):
                return None
            values = [fields[ordinal] for ordinal in self.spec.attributes]
        else:
            values = list(raw)  # type: ignore[arg-type]
        texts = [
            text
            for read, value in zip(self._read, values, strict=True)
            if value is not None and (text := read(value)) is not None
        ]
        if len(texts) != len(values):
            return None
        return canonical_key(texts).encode("utf-8", "surrogatepass")

    def key(self, raw: Raw) -> str | None:
        """Pseudonym of a raw value, or None."""
        text = self.encoded(raw)
        return None if text is None else self.hasher(text)


class _Alternate:
    """Collects one AlternateSpec as (owner's raw key, raw value) pairs, until too many subjects are shown."""

    __slots__ = ("hasher", "pairs", "read", "spec")

    def __init__(self, spec: AlternateSpec, keys: ControllerKeys, wire_format: int) -> None:
        self.spec = spec
        self.hasher = alternate_hasher(keys, spec.kind)
        self.read: Callable[[bytes], str | None] = canonicaliser(spec.type_oid, wire_format)
        self.pairs: dict[tuple[Raw | None, bytes], None] = {}

    def key(self, raw: bytes, region: str) -> str | None:
        text = self.read(raw)
        canonical = None if text is None else canonical_alternate(self.spec.kind, text, region)
        return None if canonical is None else self.hasher(canonical.encode())


class KeyCollector:
    """Collects the distinct records of one execution."""

    __slots__ = (
        "_alternates",
        "_anonymous",
        "_columns",
        "_detailed",
        "_distinct",
        "_extraction",
        "_keys",
        "_links",
        "_links_left",
        "_part_limit",
        "_region",
        "_shown",
        "_too_many",
        "_unread",
    )

    def __init__(
        self,
        extraction: Extraction,
        keys: ControllerKeys,
        formats: Sequence[int],
        *,
        default_region: str = "FR",
    ) -> None:
        """`formats`: one wire format per cut column (0 text, 1 binary), in the order of `column_indexes`."""
        self._extraction = extraction
        self._keys = keys
        self._region = default_region
        self._columns = [_Column(spec, keys, formats) for spec in extraction.keys]
        self._shown = [column for column in self._columns if column.spec.shown]
        self._alternates = [_Alternate(spec, keys, formats[spec.position]) for spec in extraction.alternates]
        self._links: dict[tuple[int, Raw, Raw], None] = {}
        self._links_left = MAX_LINKS
        self._detailed = bool(self._alternates or extraction.links)
        self._anonymous = any(one.spec.owner < 0 for one in self._alternates)
        self._too_many = False
        self._part_limit = max(1, MAX_KEYS_PER_PART - MAX_ROWS_PER_CALL * len(self._columns))
        self._distinct = 0
        self._unread = 0

    @property
    def full(self) -> bool:
        """True when `take_parts` must be called before more rows are added."""
        size = 0
        for column in self._shown:
            size += len(column.window)
        return size >= self._part_limit

    def add_row(self, values: Row) -> None:
        """Add one row: values of the cut columns, in order."""
        self.add_rows((values,))

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Add rows (at most MAX_ROWS_PER_CALL); then look at `full`."""
        if self._detailed:
            done = self._add_detailed(rows)
            if done == len(rows):
                return
            rows = rows[done:]
        for column in self._shown:
            column.add(rows)

    def _add_detailed(self, rows: Sequence[Row]) -> int:
        """Add rows until links and alternates are no longer wanted; returns how many were added."""
        for at, row in enumerate(rows):
            self._detail(row)
            if self._done():
                return at + 1
        return len(rows)

    def _done(self) -> bool:
        return not self._detailed

    def _detail(self, row: Row) -> None:
        """One row with its links and alternates, while there are few."""
        raws: list[Raw | None] = []
        for column in self._columns:
            raw = column.raw(row)
            raws.append(raw)
            if raw is not None and column.spec.shown:
                column.window[raw] = None
        for at, link in enumerate(self._extraction.links):
            left, right = raws[link.left], raws[link.right]
            if left is not None and right is not None and self._links_left > len(self._links):
                self._links[at, left, right] = None
        for alternate in self._alternates:
            value = row[alternate.spec.position]
            owner = alternate.spec.owner
            if value is not None and (owner < 0 or raws[owner] is not None):
                alternate.pairs[raws[owner] if owner >= 0 else None, value] = None
                if len(alternate.pairs) > MAX_SUBJECTS_FOR_ALTERNATES:
                    self._drop_alternates()
        if not self._alternates and len(self._links) >= self._links_left:
            self._detailed = False

    def _drop_alternates(self) -> None:
        """More than 20 subjects: alternate keys are not extracted (DESIGN §6)."""
        self._too_many = self._anonymous
        self._alternates = []
        self._detailed = bool(self._extraction.links)

    def take_parts(self) -> tuple[KeyPart, ...]:
        """Pseudonymise and forget what was collected since the last call, in parts; () when that is nothing."""
        by_table: dict[str, dict[str, None]] = {}
        near: dict[str, None] = {}
        for column in self._shown:
            self._take_column(column, by_table.setdefault(column.spec.table, {}), near)
        links = dict.fromkeys(self._take_links() + self._take_alternates(by_table))
        pending = [(table, key) for table, group in by_table.items() for key in group]
        if not pending and not links:
            return ()
        parts: list[KeyPart] = []
        for start in range(0, max(len(pending), 1), MAX_KEYS_PER_PART):
            groups: dict[str, list[str]] = {}
            taken = pending[start : start + MAX_KEYS_PER_PART]
            for table, key in taken:
                groups.setdefault(table, []).append(key)
            self._distinct += len(taken)
            part = KeyPart(
                records=tuple(RecordGroup(table=table, keys=tuple(group)) for table, group in groups.items()),
                links=() if parts else tuple(links),
                neighbourhoods=() if parts else tuple(near),
                distinct=self._distinct,
                coverage=self.coverage,
            )
            parts.append(part)
        return tuple(parts)

    def _take_column(self, column: _Column, group: dict[str, None], near: dict[str, None]) -> None:
        raws = column.take()
        texts = [text for raw in raws if (text := column.encoded(raw)) is not None]
        self._unread += len(raws) - len(texts)
        group.update(dict.fromkeys(column.hasher.many(texts)))
        if column.integer:
            around = {int(text) >> NEIGHBOURHOOD_SHIFT for text in texts}
            for number in sorted(around)[:MAX_NEIGHBOURHOODS]:
                near[neighbourhood(self._keys, column.spec.table, number << NEIGHBOURHOOD_SHIFT)] = None

    @property
    def coverage(self) -> CoverageClass:
        """Class of the execution so far."""
        planned = self._extraction.coverage
        if planned in {CoverageClass.EXACT, CoverageClass.ALTERNATE} and (self._too_many or self._unread):
            return CoverageClass.COUNT_ONLY
        return planned

    def _take_links(self) -> list[LinkBody]:
        links: list[LinkBody] = []
        for at, left, right in self._links:
            spec = self._extraction.links[at]
            left_key, right_key = self._columns[spec.left].key(left), self._columns[spec.right].key(right)
            if left_key is not None and right_key is not None:
                table = self._columns[spec.right].spec.table
                links.append(LinkBody(left=left_key, left_kind=RECORD_KIND, right=right_key, right_table=table))
        self._links_left -= len(self._links)
        self._links = {}
        return links

    def _take_alternates(self, by_table: dict[str, dict[str, None]]) -> list[LinkBody]:
        links: list[LinkBody] = []
        for alternate in self._alternates:
            owner = alternate.spec.owner
            for owner_raw, raw in alternate.pairs:
                key = alternate.key(raw, self._region)
                if key is None:
                    continue
                if owner_raw is None:
                    by_table.setdefault(alternate.spec.table, {})[key] = None
                    continue
                record = self._columns[owner].key(owner_raw)
                if record is not None:
                    table = alternate.spec.table
                    links.append(LinkBody(left=key, left_kind=alternate.spec.kind, right=record, right_table=table))
        for alternate in self._alternates:
            if alternate.spec.owner < 0:
                alternate.pairs = {}
        return links
