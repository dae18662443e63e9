"""Snapshot of a database's catalogue: enough to tell which record a wire column belongs to (DESIGN §6).

Frozen and pure; `capture.catalogue` makes it at start, after DDL and when an unknown OID shows up. Must never
treat an undeclared user table as unprotected.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from quivive.model.catalogue import Catalogue, Table, TableKind

FIRST_USER_OID: Final = 16_384
"""FirstNormalObjectId of PostgreSQL: lower OIDs are the system's own."""
SYSTEM_SCHEMAS: Final = frozenset({"pg_catalog", "information_schema", "pg_toast"})
VIEW_KINDS: Final = frozenset({"v", "m"})
UNKNOWN_PATH: Final = ("?",)
"""A search path that cannot be told: no name without a schema means anything."""
_PATH_NAME: Final = re.compile(r'\s*(?:"((?:[^"]|"")*+)"|([^",\s]++))\s*(,|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a relation; `origin` (oid, attnum) of the base column behind a view's column, or None."""

    name: str
    attnum: int
    type_oid: int
    origin: tuple[int, int] | None = None
    generated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table, partition, view, materialised view, foreign or temporary table.

    Fields:
        kind: pg_class.relkind.
        root: OID of its partition root, itself when none.
        table: its declaration (of the root), None when it has none.
        protected: False only for system relations, `not_protected` and kind `reference`.
        bases: base relations behind a view, through nested views; () for a table.
        temporary: of some session's temporary schema: a way to launder rows, so never mapped.
    """

    oid: int
    name: str  # schema.table
    kind: str
    root: int
    columns: dict[int, Column]
    primary_key: tuple[int, ...]
    table: Table | None
    protected: bool
    bases: tuple[int, ...] = ()
    temporary: bool = False

    def column_named(self, name: str) -> Column | None:
        """Column by name; `#n` is the n-th column still present."""
        if name.startswith("#") and name[1:].isdigit():
            present = [self.columns[attnum] for attnum in sorted(self.columns)]
            position = int(name[1:]) - 1
            return present[position] if position < len(present) else None
        for column in self.columns.values():
            if column.name == name:
                return column
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueSnapshot:
    """Frozen view of the catalogue; replaced whole on refresh.

    Fields:
        functions: user functions that are not IMMUTABLE and not listed in `not_protected`, as `name` and `schema.name`:
            what they read is hidden from any proxy.
        unmapped: user tables neither declared nor listed in `not_protected`: protected, shown, never explained.
        missing: declared tables and columns the database does not have.
        defaults: search paths set for a role or the database, by role ("" for all); what is not there has `base_path`.
        closed: schemas that not everybody may use: the server passes over them for who may not.
        made: undeclared tables that a statement filled from others (CREATE TABLE AS, INSERT … SELECT), by bare name,
            and those others: what is read there came from them.
    """

    declared: Catalogue
    relations: dict[int, Relation]
    search_path: tuple[str, ...] = ("public",)
    functions: frozenset[str] = frozenset()
    unmapped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    by_name: dict[str, int] = field(default_factory=dict)
    made: dict[str, tuple[str, ...]] = field(default_factory=dict)
    base_path: str = ""
    defaults: dict[str, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    def relation(self, oid: int) -> Relation | None:
        """Relation by OID."""
        return self.relations.get(oid)

    def named(self, name: str) -> Relation | None:
        """Relation by a name as written in a statement (search path applied when unqualified, temporary first)."""
        if "." in name:
            oid = self.by_name.get(name)
            return None if oid is None else self.relations[oid]
        path = self.search_path
        if path is UNKNOWN_PATH:
            return None
        found = None
        for schema in path if "pg_temp" in path else ("pg_temp", *path):
            oid = self.by_name.get(f"{schema}.{name}")
            if oid is not None and found is None:
                found = self.relations[oid]
                if schema not in self.closed:
                    return found
            elif oid is not None:
                return None  # the first is closed: which of them is meant hangs on who asks
        return found

    def path_of(self, said: str, user: str) -> tuple[str, ...]:
        """Schemas in which a session looks for a name, as far as they hold anything; UNKNOWN_PATH when nobody can tell.

        `said` is what the session has set, "" for its default; `user` is whom `"$user"` means.
        """
        text = said or self.defaults.get(user, self.defaults.get("", self.base_path))
        if not text:
            return self.search_path
        names: list[str] = []
        at = 0
        while at < len(text):
            match = _PATH_NAME.match(text, at)
            if match is None:
                return UNKNOWN_PATH
            names.append(match[1].replace('""', '"') if match[2] is None else match[2].lower())
            at = match.end()
        if names == ["?"]:
            return UNKNOWN_PATH
        named = (user if name == "$user" else name for name in names)
        held = {name.partition(".")[0] for name in self.by_name}
        return tuple(dict.fromkeys(name for name in named if name in held or name == "pg_temp"))

    def made_of(self, name: str) -> tuple[str, ...]:
        """Tables that an undeclared table was filled from, in any session."""
        return self.made.get(name.rpartition(".")[2], ())

    def is_system(self, name: str) -> bool:
        """Tell whether a name that is no user relation means one of the system's."""
        schema, _, bare = name.rpartition(".")
        if schema:
            return schema in SYSTEM_SCHEMAS
        return bare.startswith("pg_") and self.named(name) is None

    def bases(self, relation: Relation) -> tuple[Relation, ...]:
        """Base relations: itself for a table, those behind it for a view (itself when they are not known)."""
        if relation.kind not in VIEW_KINDS:
            root = self.relations.get(relation.root)
            return (root or relation,)
        found = tuple(self.relations[oid] for oid in relation.bases if oid in self.relations)
        return found or (relation,)

    def base_column(self, relation: Relation, attnum: int) -> tuple[Relation, Column] | None:
        """Base relation (partition root) and column behind one column; None for an expression of a view."""
        column = relation.columns.get(attnum)
        if column is None:
            return None
        if relation.kind in VIEW_KINDS:
            if column.origin is None:
                return None
            base = self.relations.get(column.origin[0])
            return None if base is None else self.base_column(base, column.origin[1])
        root = self.relations.get(relation.root)
        if root is None or root is relation:
            return relation, column
        at_root = root.column_named(column.name)  # attribute numbers of a partition may differ from the root's
        return root, at_root or column  # a column that only the child has is told as the root's


def is_protected(declared: Catalogue, name: str, table: Table | None) -> bool:
    """Every user table is protected until it is listed or declared as reference data (DESIGN §6)."""
    if table is not None:
        return table.kind is not TableKind.REFERENCE
    return name not in declared.not_protected and name.split(".", 1)[0] not in SYSTEM_SCHEMAS
