"""Columns of a result grouped by the table occurrence they come from.

Called by `capture.resolve` only. Pure. The wire says which table and column, not which of two occurrences of a
table: columns are dealt in order, and whoever needs certainty must check that the table occurs once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from quivive.capture.snapshot import FIRST_USER_OID, CatalogueSnapshot, Relation
from quivive.wire.fields import Field


@dataclass(slots=True, kw_only=True)
class Occurrence:
    """One occurrence of a base table: column name to (field index, type OID); index of a whole-row column or -1."""

    relation: Relation
    columns: dict[str, tuple[int, int]] = field(default_factory=dict)
    whole_row: int = -1

    def ordinals(self, names: Sequence[str]) -> tuple[int, ...]:
        """Positions of columns inside the row type (dropped columns keep no place in it); () if one is missing."""
        order = [self.relation.columns[attnum].name for attnum in sorted(self.relation.columns)]
        return tuple(order.index(name) for name in names) if all(name in order for name in names) else ()

    def types(self, names: Sequence[str]) -> tuple[int, ...]:
        """Type OIDs of columns of the relation."""
        found = {column.name: column.type_oid for column in self.relation.columns.values()}
        return tuple(found.get(name, 0) for name in names)


@dataclass(slots=True, kw_only=True)
class Shown:
    """What the fields of a result show.

    Fields:
        tables: occurrences per base table name.
        names: base tables shown; columns: `schema.table.column` of protected ones.
        expressions: fields the server cannot tell a column for.
        unknown: a field belongs to a user relation the snapshot does not know.
    """

    tables: dict[str, list[Occurrence]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    expressions: int = 0
    unknown: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.tables)

    @property
    def protected(self) -> bool:
        return any(o.relation.protected for occurrences in self.tables.values() for o in occurrences)


def shown_tables(snapshot: CatalogueSnapshot, fields: Sequence[Field]) -> Shown:
    """Group the fields of a result by table occurrence."""
    shown = Shown()
    columns: dict[str, None] = {}
    for index, one in enumerate(fields):
        relation = snapshot.relation(one.table_oid) if one.table_oid else None
        if relation is None:
            if one.table_oid >= FIRST_USER_OID:
                shown.unknown = True
            elif one.table_oid == 0:
                shown.expressions += 1
            continue
        if one.attnum == 0:
            _whole_row(shown, snapshot, relation, index, columns)
        elif one.attnum > 0:
            _column(shown, snapshot, relation, index, one, columns)
    shown.columns = tuple(columns)
    return shown


def _whole_row(
    shown: Shown, snapshot: CatalogueSnapshot, relation: Relation, index: int, columns: dict[str, None]
) -> None:
    bases = snapshot.bases(relation)
    if bases == (relation,):
        occurrences = shown.tables.setdefault(relation.name, [])
        occurrences.append(Occurrence(relation=relation, whole_row=index))
        columns.update((f"{relation.name}.{column.name}", None) for column in relation.columns.values())
        return
    shown.expressions += 1  # a view's row, or a partition's: its place in the base table's row type is not known


def _column(
    shown: Shown, snapshot: CatalogueSnapshot, relation: Relation, index: int, one: Field, columns: dict[str, None]
) -> None:
    found = snapshot.base_column(relation, one.attnum)
    if found is None:
        shown.expressions += 1
        for base in snapshot.bases(relation):
            shown.tables.setdefault(base.name, [Occurrence(relation=base)])
        return
    base, column = found
    if base.protected:
        columns[f"{base.name}.{column.name}"] = None
    occurrences = shown.tables.setdefault(base.name, [])
    for occurrence in occurrences:
        if occurrence.whole_row < 0 and column.name not in occurrence.columns:
            break
    else:
        occurrence = Occurrence(relation=base)
        occurrences.append(occurrence)
    occurrence.columns[column.name] = (index, one.type_oid)
