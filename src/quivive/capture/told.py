"""What a source tells of an access beyond its records: coverage, tables, alternate keys, forms of a search.

Called by `capture.intake`. A log that names a record only by what was asked for, or not at all, must be able to say
so: it is then never counted as `exact`. Pure. Must never return the text it was given: names of the catalogue,
closed sets and keyed pseudonyms only.
"""

from dataclasses import dataclass
from typing import Any, Final

from quivive.model.access import CoverageClass, Pattern, PatternClass
from quivive.model.catalogue import Catalogue, Table
from quivive.privacy.subject import KeyedRecord, SubjectKeyer, is_not_protected
from quivive.rows import FieldError, Row, identifier_item, sub_row

COVERAGES: Final = (
    CoverageClass.PREDICATE,
    CoverageClass.COUNT_ONLY,
    CoverageClass.AGGREGATE,
    CoverageClass.OPAQUE,
)
"""Classes a row may claim: each says less than `exact`, which only record keys that were shown deserve."""
MAX_FIXED_CHARS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`coverage` None: to be taken from the records. `alternates`: records named by a telephone number, an address."""

    coverage: CoverageClass | None
    tables: tuple[str, ...]
    alternates: tuple[KeyedRecord, ...]
    patterns: tuple[Pattern, ...]
    free: bool

    def coverage_of(self, *, records: bool) -> CoverageClass:
        """Coverage of the row, given whether it names records by key."""
        if self.coverage is CoverageClass.PREDICATE and not (records or self.alternates):
            return CoverageClass.COUNT_ONLY
        if self.coverage is not None:
            return self.coverage
        if records:
            return CoverageClass.EXACT
        return CoverageClass.ALTERNATE if self.alternates else CoverageClass.COUNT_ONLY


def read_told(row: Row, keyer: SubjectKeyer) -> Told:
    """Read the optional fields `coverage`, `tables`, `identities` and `patterns` of an access row.

    Raises:
        FieldError: the first of them that is wrong.
    """
    catalogue = keyer.catalogue
    free = list[bool]()

    def table(value: Any, path: str) -> str:
        name = identifier_item(value, path)
        if is_not_protected(catalogue, name):
            free.append(True)
            return ""
        return table_name(catalogue, name, path)

    coverage = row.choice("coverage", CoverageClass) if row.has("coverage") else None
    if coverage is not None and coverage not in COVERAGES:
        raise row.wrong("coverage", "one of " + ", ".join(COVERAGES))
    return Told(
        coverage=coverage,
        tables=tuple(name for name in row.items("tables", table) if name),
        alternates=tuple(found for found in row.items("identities", lambda v, p: _identity(keyer, v, p)) if found),
        patterns=row.items("patterns", lambda v, p: _pattern(catalogue, v, p)),
        free=bool(free),
    )


def _identity(keyer: SubjectKeyer, value: Any, path: str) -> KeyedRecord | None:
    """Key an alternate key of a declared table; None for a value that names nobody (a hidden number)."""
    item = sub_row(value, path)
    kind, text = item.text("kind"), item.text("value")
    named = item.identifier("table") if item.has("table") else ""
    item.done()
    holders = _holders(keyer.catalogue, kind)
    if named:
        name = table_name(keyer.catalogue, named, item.where("table"))
        holders = [holder for holder in holders if holder.name == name]
    if len(holders) != 1:
        expected = "an alternate key of the catalogue, with its table if several hold one of this kind"
        raise FieldError(item.where("kind"), expected, "string")
    reference = keyer.identity(kind, text)
    if reference is None:
        return None
    return KeyedRecord(table=holders[0].name, table_kind=holders[0].kind, key=reference.key, neighbourhood="")


def _holders(catalogue: Catalogue, kind: str) -> list[Table]:
    return [table for table in catalogue.tables if any(alternate.kind == kind for alternate in table.alternates)]


def _pattern(catalogue: Catalogue, value: Any, path: str) -> Pattern:
    item = sub_row(value, path)
    table, _, column = item.text("column").rpartition(".")
    if not table or (column != "*" and not column.replace("_", "a").isalnum()):
        raise FieldError(item.where("column"), "a column as table.column", "string")
    pattern = Pattern(
        column=f"{table_name(catalogue, table, item.where('column'))}.{column}",
        pattern_class=item.choice("class", PatternClass),
        fixed_chars=item.integer("fixed_chars", default=0, maximum=MAX_FIXED_CHARS),
    )
    item.done()
    return pattern


def table_name(catalogue: Catalogue, name: str, path: str) -> str:
    """Full name of a declared table.

    Raises:
        FieldError: no table, or several, of that name.
    """
    found = [t.name for t in catalogue.tables if name in {t.name, t.name.partition(".")[2]}]
    if len(found) != 1:
        raise FieldError(path, "a table of the controller's catalogue, with its schema if several hold it", "string")
    return found[0]


def column_name(catalogue: Catalogue, value: Any, path: str) -> str:
    """Read `table.column` or `schema.table.column`; "" for a column of a table that is not protected.

    Raises:
        FieldError: it names no column of a table of the catalogue.
    """
    table, _, column = identifier_item(value, path).rpartition(".")
    if not table:
        raise FieldError(path, "a column as table.column", "string")
    if is_not_protected(catalogue, table):
        return ""
    return f"{table_name(catalogue, table, path)}.{column}"
