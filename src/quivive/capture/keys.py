"""Keys of one execution: cut column values in, pseudonyms out. The hot loop of large results.

Called by the relay: one KeyCollector per execution, `add_rows` per chunk of rows, `take_parts` when full and at the
end. Must never outgrow MAX_KEYS_PER_PART records per part, nor keep a value after its part is taken.

Rows only enter a window of distinct raw values (about 0.1 µs a row); canonical text and HMAC are done once per
distinct value, when a part is taken. The window and the one before it are remembered, so that `distinct` is exact up
to two windows and, in larger results, an upper bound: a record that comes back later counts again.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from quivive.capture.key_reader import AlternateReader, KeyReader, Raw, Row, prepared
from quivive.capture.patterns import patterns_of
from quivive.capture.predicate_keys import PredicateKeys, execute_binds, predicate_keys
from quivive.capture.resolve import Extraction
from quivive.model.access import (
    MAX_KEYS_PER_PART,
    MAX_SUBJECTS_FOR_ALTERNATES,
    CoverageClass,
    LinkBody,
    RecordGroup,
)
from quivive.privacy.hasher import blocks
from quivive.privacy.pseudonym import NEIGHBOURHOOD_SHIFT, ControllerKeys

__all__ = ["KeyCollector", "KeyPart", "PredicateKeys", "execute_binds", "patterns_of", "predicate_keys"]

MAX_ROWS_PER_CALL: Final = 512
"""Rows the relay passes at once: what may enter a window after it was found not full."""
MAX_LINKS: Final = 1_024
"""Links emitted by one execution; a listing of more is left to `links sync`."""
MAX_NEIGHBOURHOODS: Final = 512
"""Neighbourhoods in one part; enumeration shows long before."""
RECORD_KIND: Final = "record"
"""`LinkBody.left_kind` of a record key; every other kind is an alternate key."""


class KeyPart(NamedTuple):
    """Pseudonyms of one part, made for every execution with rows.

    `coverage` may be worse than the Extraction's (unreadable keys, too many alternates).
    """

    records: tuple[RecordGroup, ...]
    links: tuple[LinkBody, ...]
    neighbourhoods: tuple[str, ...]
    distinct: int  # over the parts so far
    coverage: CoverageClass


class _Column:
    """Window of one KeySpec: distinct raw values since the last part, and those of the part before."""

    __slots__ = ("_before", "reader", "window")

    def __init__(self, reader: KeyReader) -> None:
        self.reader = reader
        self.window: dict[Raw, None] = {}
        self._before: dict[Raw, None] = {}

    def take(self) -> list[Raw]:
        """New distinct raw values since the last part."""
        if not self.window:
            return []
        if self._before.keys().isdisjoint(self.window):
            new = list(self.window)
        else:
            new = [raw for raw in self.window if raw not in self._before]
        self._before, self.window = self.window, {}
        return new


class KeyCollector:
    """Collects the distinct records of one execution."""

    __slots__ = (
        "_alternates",
        "_columns",
        "_detailed",
        "_distinct",
        "_extraction",
        "_links",
        "_links_left",
        "_pairs",
        "_part_limit",
        "_prepared",
        "_region",
        "_shown",
        "_subjects",
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
        self._region = default_region
        self._prepared = prepared(extraction, keys, formats)
        self._columns = [_Column(reader) if reader.spec.shown else None for reader in self._prepared.columns]
        self._shown = [column for column in self._columns if column is not None]
        self._alternates: tuple[AlternateReader, ...] = self._prepared.alternates
        self._pairs: list[dict[tuple[Raw | None, bytes], None]] = [{} for _ in self._alternates]
        self._subjects = [0] * len(self._alternates)  # told in earlier parts
        self._links: dict[tuple[int, Raw, Raw], None] = {}
        self._links_left = MAX_LINKS
        self._detailed = bool(self._alternates or extraction.links)
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

    @property
    def single(self) -> int:
        """Index of the one column whose values go into `window` as they come; -1 when rows must be cut.

        It may change with every call that adds: links and alternates are wanted of the first rows alone.
        """
        if self._detailed or len(self._shown) != 1:
            return -1
        at = self._shown[0].reader.position
        return -1 if at < 0 else self._extraction.column_indexes[at]

    @property
    def window(self) -> dict[bytes, None]:
        """Where the values of `single` belong."""
        return self._shown[0].window  # type: ignore[return-value]  # one column: raw values are bytes

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
            column.reader.fill(column.window, rows)

    def _add_detailed(self, rows: Sequence[Row]) -> int:
        """Add rows until links and alternates are no longer wanted; returns how many were added."""
        for at, row in enumerate(rows):
            if not self._detail(row):
                return at + 1
        return len(rows)

    def _detail(self, row: Row) -> bool:
        """One row with its links and alternates; False when no more of them are wanted."""
        raws = [reader.raw(row) for reader in self._prepared.columns]
        for raw, column in zip(raws, self._columns, strict=True):
            if raw is not None and column is not None:
                column.window[raw] = None
        for at, link in enumerate(self._extraction.links):
            left, right = raws[link.left], raws[link.right]
            if left is not None and right is not None and self._links_left > len(self._links):
                self._links[at, left, right] = None
        for at, alternate in enumerate(self._alternates):
            value, owner = row[alternate.spec.position], alternate.spec.owner
            owner_raw = raws[owner] if owner >= 0 else None
            if value is not None and (owner < 0 or owner_raw is not None):
                pairs = self._pairs[at]
                pairs[owner_raw, value] = None
                if len(pairs) + self._subjects[at] > MAX_SUBJECTS_FOR_ALTERNATES:
                    self._drop_alternates()
                    break
        more = bool(self._extraction.links) and len(self._links) < self._links_left
        self._detailed = bool(self._alternates) or more
        return self._detailed

    def _drop_alternates(self) -> None:
        """More than 20 subjects: alternate keys are not extracted (DESIGN §6)."""
        self._too_many = self._prepared.anonymous
        self._alternates = ()
        self._pairs = []

    def take_parts(self) -> tuple[KeyPart, ...]:
        """Pseudonymise and forget what was collected since the last call, in parts; () when that is nothing."""
        by_table: dict[str, dict[str, None]] = {}
        near: dict[str, None] = {}
        for column in self._shown:
            self._take_column(column, by_table, near)
        links = dict.fromkeys(self._take_links() + self._take_alternates(by_table))
        size = sum(map(len, by_table.values()))
        if not size and not links:
            return ()
        if size <= MAX_KEYS_PER_PART:
            self._distinct += size
            records = tuple(RecordGroup(table=table, keys=tuple(group)) for table, group in by_table.items() if group)
            return (KeyPart(records, tuple(links), tuple(near), self._distinct, self.coverage),)
        pending = [(table, key) for table, group in by_table.items() for key in group]
        parts: list[KeyPart] = []
        for start in range(0, size, MAX_KEYS_PER_PART):
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

    def _take_column(self, column: _Column, by_table: dict[str, dict[str, None]], near: dict[str, None]) -> None:
        raws, reader = column.take(), column.reader
        if not raws:
            by_table.setdefault(reader.spec.table, {})
            return
        texts = reader.texts(raws)
        self._unread += len(raws) - len(texts)
        keys = dict.fromkeys(reader.hasher.many(texts))
        before = by_table.setdefault(reader.spec.table, keys)
        if before is not keys:
            before.update(keys)
        if reader.integer:
            around = blocks(texts, NEIGHBOURHOOD_SHIFT)
            near.update(dict.fromkeys(reader.neighbourhoods(sorted(around)[:MAX_NEIGHBOURHOODS])))

    @property
    def coverage(self) -> CoverageClass:
        """Class of the execution so far."""
        planned = self._extraction.coverage
        keyed = {CoverageClass.EXACT, CoverageClass.ALTERNATE, CoverageClass.PREDICATE}
        if planned in keyed and (self._too_many or self._unread):
            return CoverageClass.COUNT_ONLY
        return planned

    def _take_links(self) -> list[LinkBody]:
        if not self._links:
            return []
        readers, links = self._prepared.columns, []
        for at, left, right in self._links:
            spec = self._extraction.links[at]
            left_key, right_key = readers[spec.left].key(left), readers[spec.right].key(right)
            if left_key is not None and right_key is not None:
                table = readers[spec.right].spec.table
                links.append(LinkBody(left=left_key, left_kind=RECORD_KIND, right=right_key, right_table=table))
        self._links_left -= len(self._links)
        self._links = {}
        return links

    def _take_alternates(self, by_table: dict[str, dict[str, None]]) -> list[LinkBody]:
        links: list[LinkBody] = []
        for at, alternate in enumerate(self._alternates):
            pairs, self._pairs[at] = self._pairs[at], {}
            self._subjects[at] += len(pairs)
            spec = alternate.spec
            for owner_raw, raw in pairs:
                key = alternate.key(raw, self._region)
                if key is None:
                    continue
                if owner_raw is None:
                    by_table.setdefault(spec.table, {})[key] = None
                    continue
                record = self._prepared.columns[spec.owner].key(owner_raw)
                if record is not None:
                    links.append(LinkBody(left=key, left_kind=spec.kind, right=record, right_table=spec.table))
        return links
