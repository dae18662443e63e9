"""What a report says, before any language: pieces with tables of typed cells (law reference §3).

Built by `dossier`, `evidence` and `subject`, written by `render`. Must never hold a sentence or a name: codes, figures,
instants and the references of papers only. The same facts give the same document.
"""

from dataclasses import dataclass
from enum import StrEnum

MAX_TABLE_ROWS = 2_000
"""Rows of a table on paper (measured: 20,000 rows take 1.3 GB); the attached file holds all of them."""


class PieceState(StrEnum):
    """EMPTY: covered, and there was nothing in the period. NOT_COVERED: this installation cannot tell."""

    PRODUCED = "produced"
    EMPTY = "empty"
    NOT_COVERED = "not_covered"


class CellKind(StrEnum):
    """How a cell is written on paper; in the attached file an instant is ISO 8601 and a code stays a code."""

    TEXT = "text"
    COUNT = "count"
    INSTANT = "instant"
    DAY = "day"
    CODE = "code"
    YES = "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its title's code, how its cells are written; `prefix` of the sentences of a CODE."""

    code: str
    kind: CellKind = CellKind.TEXT
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of one kind. `name` is that of the attached file."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sentence by its code, with whole numbers, texts of papers, or instants (names ending in `_at`)."""

    code: str
    values: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One numbered piece."""

    number: int
    code: str
    state: PieceState
    notes: tuple[Note, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A report. `meta`: a label's code and a value; `as_of`: the instant it is compiled for (microseconds UTC)."""

    code: str
    as_of: int
    meta: tuple[tuple[str, str], ...]
    intro: tuple[Note, ...]
    pieces: tuple[Piece, ...]


def piece(number: int, code: str, *tables: Table, notes: tuple[Note, ...] = ()) -> Piece:
    """A piece that this installation covers: produced when any table has a row."""
    found = any(table.rows for table in tables)
    return Piece(
        number=number, code=code, state=PieceState.PRODUCED if found else PieceState.EMPTY, notes=notes, tables=tables
    )


def not_covered(number: int, code: str, reason: str) -> Piece:
    """A piece that this installation cannot tell, and why."""
    return Piece(number=number, code=code, state=PieceState.NOT_COVERED, notes=(Note(code=reason),))
