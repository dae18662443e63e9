"""The catalogue of one controller: what each table is and how a row leads to a person (DESIGN §6).

Declared in `controllers/<id>.toml`, confirmed by a person, sealed as an entry. Used by capture and
the intake. Must never treat an undeclared user table as unprotected.
"""

from dataclasses import dataclass
from enum import StrEnum


class TableKind(StrEnum):
    PERSON = "person"
    LINKED = "linked"
    GROUP = "group"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternate:
    """A declared alternate key: `kind` names the identity (`phone`, `email`, `customer_number`, `order_number`…)."""

    column: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Foreign key of a linked table: `column` holds the primary key of `to` (`schema.table`)."""

    column: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One declared table. `name` is `schema.table`; `key` its primary-key columns in order."""

    name: str
    kind: TableKind
    key: tuple[str, ...]
    alternates: tuple[Alternate, ...] = ()
    path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A declared row-returning function: its result column `key_column` holds the primary key of `table`."""

    name: str
    table: str
    key_column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All declared tables of one controller. A table neither declared nor in `not_protected` is unmapped: protected."""

    controller: str
    version: int
    tables: tuple[Table, ...]
    not_protected: tuple[str, ...]
    functions: tuple[Function, ...] = ()

    def table(self, name: str) -> Table | None:
        """Find a declared table by `schema.table`."""
        for table in self.tables:
            if table.name == name:
                return table
        return None
