"""From a document to one language: the data of the page template, and the attached CSV files.

Called by `compile`. Pure. Must never cut without saying so, nor write a cell that a spreadsheet would run.
"""

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

from quivive.model.clock import Micros, to_rfc3339
from quivive.reports.document import MAX_TABLE_ROWS, CellKind, Document, Note, Piece, PieceState, Table
from quivive.texts import Texts

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins so (OWASP, CSV injection); such a text is written after an apostrophe."""
LABELS: Final = ("contents", "page", "annex", "file", "hash", "as_of")
"""Words of the template itself."""
_NUMBERS: Final = (CellKind.COUNT,)


def page_data(document: Document, texts: Texts, attachments: Mapping[str, str], operator: str) -> dict[str, Any]:
    """What the template writes. `attachments`: SHA-256 by file name, listed in the annex."""
    return {
        "language": texts.language,
        "title": texts.say(f"{document.code}.title"),
        "operator": operator,
        "date": texts.moment(document.as_of),
        "labels": {name: texts.say(f"report.{name}") for name in LABELS},
        "meta": [[texts.say(label), value] for label, value in document.meta],
        "intro": [_note(note, texts) for note in document.intro],
        "pieces": [_piece(piece, texts) for piece in document.pieces],
        "attachments": [[name, digest] for name, digest in sorted(attachments.items())],
    }


def csv_files(document: Document) -> dict[str, bytes]:
    """Every table whole, UTF-8 with a byte order mark, `;` between cells: what a French spreadsheet opens."""
    return {f"{table.name}.csv": _csv(table) for piece in document.pieces for table in piece.tables if table.rows}


def _piece(piece: Piece, texts: Texts) -> dict[str, Any]:
    return {
        "number": piece.number,
        "heading": texts.say(f"{piece.code}.title"),
        "state": texts.say(f"piece_state.{piece.state}"),
        "produced": piece.state is PieceState.PRODUCED,
        "notes": [_note(note, texts) for note in piece.notes],
        "tables": [_table(table, texts) for table in piece.tables if table.rows],
    }


def _table(table: Table, texts: Texts) -> dict[str, Any]:
    shown = table.rows[:MAX_TABLE_ROWS]
    more = len(table.rows) - len(shown)
    return {
        "caption": texts.say(f"table.{table.name}"),
        "columns": [texts.say(f"column.{column.code}") for column in table.columns],
        "numbers": [column.kind in _NUMBERS for column in table.columns],
        "rows": [
            [_cell(column.kind, column.prefix, value, texts) for column, value in zip(table.columns, row, strict=True)]
            for row in shown
        ],
        "more": texts.say("report.more", count=texts.number(more), file=f"{table.name}.csv") if more else "",
    }


def _note(note: Note, texts: Texts) -> str:
    return texts.say(note.code, **{name: _value(name, value, texts) for name, value in note.values})


def _value(name: str, value: str | int, texts: Texts) -> str:
    if name.endswith("_at"):
        return texts.moment(int(value)) if value else "–"
    return texts.number(value) if isinstance(value, int) else value


def _cell(kind: CellKind, prefix: str, value: str | int, texts: Texts) -> str:
    if kind is CellKind.INSTANT:
        return texts.moment(int(value)) if value else "–"
    if kind is CellKind.DAY:
        return texts.day(int(value)) if value else "–"
    if kind is CellKind.COUNT:
        return texts.number(int(value))
    if kind is CellKind.YES:
        return texts.say("report.yes" if value else "report.no")
    if kind is CellKind.CODE:
        code = f"{prefix}.{value}"
        return texts.say(code) if value and texts.knows(code) else str(value) or "–"
    return str(value) or "–"


def _csv(table: Table) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([column.code for column in table.columns])
    for row in table.rows:
        writer.writerow([_raw(column.kind, value) for column, value in zip(table.columns, row, strict=True)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _raw(kind: CellKind, value: str | int) -> str | int:
    if kind in (CellKind.INSTANT, CellKind.DAY):
        return to_rfc3339(Micros(int(value))) if value else ""
    return spreadsheet_cell(value) if isinstance(value, str) else value


def spreadsheet_cell(text: str) -> str:
    """A text that no spreadsheet runs; also for the lists that the console exports."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def plain_text(cell: str) -> str:
    """The text that `spreadsheet_cell` wrote."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
