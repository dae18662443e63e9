"""Limits on what one result, or one agent for a time, may show (docs/modes.md, "Limits").

Used by `recorder`, only where the controller's instruction is recorded and the session is guarded. Pure: time and
policy are arguments. Must never count one record twice, nor let a refusal say whose record it was about.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from quivive.capture.key_reader import KeyReader, Raw, Row, prepared
from quivive.capture.run import Run
from quivive.model.access import CoverageClass
from quivive.model.catalogue import Catalogue, TableKind
from quivive.model.clock import SECOND_US
from quivive.privacy.pseudonym import ControllerKeys
from quivive.wire.framing import HEADER_BYTES, unpack_length
from quivive.wire.postgres import messages
from quivive.wire.sql import PlanKind

MAX_CURSORS: Final = 64
"""Cursors whose results are counted over all their FETCHes, per connection; beyond, the oldest counts anew."""
_DATA_ROW: Final = ord("D")
_BY_ROWS: Final = frozenset({CoverageClass.ALTERNATE, CoverageClass.COUNT_ONLY, CoverageClass.OPAQUE})
"""Without a key column shown: a row is a record, as far as anybody can tell."""


class Cap:
    """Counts the distinct records of one result, or of one cursor, up to its limit.

    Without readers (no key column is shown) each row counts as a record.
    """

    __slots__ = ("_limit", "_readers", "_seen", "_shown")

    def __init__(self, limit: int, readers: Sequence[KeyReader] = ()) -> None:
        self._limit = limit
        self._readers = tuple(readers)
        self._seen: dict[str, set[Raw]] = {reader.spec.table: set() for reader in readers}
        self._shown = 0

    @property
    def keyless(self) -> bool:
        """Rows are what it counts."""
        return not self._readers

    def fit(self, rows: Sequence[Row]) -> int:
        """How many of these rows, from the first on, may be shown; they are counted from now on."""
        fresh: dict[str, dict[Raw, None]] = {table: {} for table in self._seen}
        for reader in self._readers:
            reader.fill(fresh[reader.spec.table], rows)
        new = {table: raws.keys() - self._seen[table] for table, raws in fresh.items()}
        if self._shown + sum(map(len, new.values())) <= self._limit:
            for table, raws in new.items():
                self._seen[table] |= raws
                self._shown += len(raws)
            return len(rows)
        for at, row in enumerate(rows):
            if not self._fits(row):
                return at
        return len(rows)

    def _fits(self, row: Row) -> bool:
        new = {
            (reader.spec.table, raw)
            for reader in self._readers
            if (raw := reader.raw(row)) is not None and raw not in self._seen[reader.spec.table]
        }
        if self._shown + len(new) > self._limit:
            return False
        for table, raw in new:
            self._seen[table].add(raw)
        self._shown += len(new)
        return True

    def fit_count(self, rows: int) -> int:
        """How many of so many rows without keys may be shown; they are counted from now on."""
        taken = min(rows, self._limit - self._shown)
        self._shown += taken
        return taken


class Caps:
    """The caps of one connection. `limit` 0: none."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._cursors: dict[str, Cap] = {}

    def declared(self, name: str) -> None:
        """A cursor begins: an earlier one of its name is forgotten."""
        self._cursors.pop(name, None)

    def cap(self, run: Run, catalogue: Catalogue, keys: ControllerKeys, formats: Sequence[int]) -> Cap | None:
        """The cap of an execution about to show rows; None when it shows figures only, or nothing protected."""
        extraction = run.extraction
        if extraction is None or not extraction.protected or run.plan.kind is PlanKind.EXPLAIN:
            return None
        found = self._cursors.get(run.cursor) if run.cursor else None
        if found is not None:
            return found
        readers: list[KeyReader] = []
        if formats and extraction.column_indexes:
            readers = [one for one in prepared(extraction, keys, formats).columns if _counted(one, catalogue)]
        if not readers and extraction.coverage not in _BY_ROWS:
            return None
        cap = Cap(self.limit, readers)
        if run.cursor:
            if len(self._cursors) >= MAX_CURSORS:
                del self._cursors[next(iter(self._cursors))]
            self._cursors[run.cursor] = cap
        return cap


def _counted(reader: KeyReader, catalogue: Catalogue) -> bool:
    """A record that explains nothing (a tariff, a code) is no record of anybody."""
    table = catalogue.table(reader.spec.table)
    return reader.spec.shown and (table is None or table.kind is not TableKind.REFERENCE)


def rows_within(buffer: bytes, start: int, end: int, fit: Callable[[int], int]) -> tuple[int, int]:
    """Pass whole DataRow frames that fit: (offset after the last that does, how many)."""
    position, ends = start, []
    while end - position >= HEADER_BYTES and buffer[position] == _DATA_ROW:
        position += 1 + unpack_length(buffer, position + 1)[0]
        if position > end:
            break
        ends.append(position)
    taken = fit(len(ends))
    return (ends[taken - 1] if taken else start), taken


def too_many(limit: int) -> bytes:
    """The error in the middle of a result that shows more than its limit."""
    return messages.error_response(
        severity="ERROR",
        state=messages.LIMIT_EXCEEDED,
        message=f"Quivive relay: this result shows more than {limit} records, the limit for one result, and stops.",
        hint="Narrow the search. The records already shown are recorded; the session can go on.",
    )


def denied_until(until: int) -> bytes:
    """The error for an agent who has reached the hourly limit."""
    clock = datetime.fromtimestamp(until // SECOND_US, tz=UTC).strftime("%H:%M")
    return messages.error_response(
        severity="ERROR",
        state=messages.NOT_PERMITTED,
        message=f"Quivive relay: the hourly limit of records is reached; they are closed until {clock} UTC.",
        hint="It ends by itself. If the work needs more, ask the person responsible for the limit.",
    )
