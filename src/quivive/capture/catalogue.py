"""Snapshot of a database's catalogue: enough to tell which record a wire column belongs to (DESIGN §6).

Loaded at start, after DDL and when an unknown OID shows up, over a role with only CONNECT and USAGE. Must never
read a user row, and never treat an undeclared user table as unprotected.
"""

from dataclasses import dataclass, field

from quivive.model.catalogue import Catalogue, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a relation; `origin` (oid, attnum) of the base column behind a view's column, or None."""

    name: str
    attnum: int
    type_oid: int
    origin: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table, partition, view, materialised view, foreign or temporary table.

    `root` is the OID of its partition root (itself when none); `table` its declaration (of the root), None when
    reference data or unmapped; `protected` False only for system tables, `not_protected` and kind `reference`.
    """

    oid: int
    name: str  # schema.table
    kind: str  # pg_class.relkind
    root: int
    columns: dict[int, Column]
    primary_key: tuple[int, ...]
    table: Table | None
    protected: bool
    base: tuple[int, ...] = ()  # OIDs of the base relations behind a view


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSnapshot:
    """Frozen view of the catalogue; replaced whole on refresh."""

    declared: Catalogue
    relations: dict[int, Relation]
    search_path: tuple[str, ...] = ("public",)
    unmapped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()  # declared but absent, or without the declared columns
    by_name: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def relation(self, oid: int) -> Relation | None:
        """Relation by OID."""
        return self.relations.get(oid)

    def named(self, name: str) -> Relation | None:
        """Relation by a name as written in a statement (search path applied when unqualified)."""
        raise NotImplementedError
