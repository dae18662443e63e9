"""Delimited text (CSV and its cousins) to records: separators, quotes, newlines in quotes, one bad row at a time.

Called by `reading.files`. Pure. Must never let an unclosed quote or a foreign separator swallow good rows: such a
row is refused by its number, and reading goes on with the next line.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from quivive.connectors.model import Record, Refusal
from quivive.connectors.reading.model import MAX_COLUMNS, MAX_RECORDS, FileProblemError, Format, Reading

SEPARATORS: Final[dict[str, str]] = {";": "semicolon", ",": "comma", "\t": "tab", "|": "pipe"}
MAX_QUOTED_LINES: Final = 64
"""Lines one quoted record may span: a long note; more is a quote that was never closed."""
MAX_CELL: Final = 65_536
"""Characters of one cell, far above a note; `csv` itself stops at 131,072."""
_HEADER_LINE_MAX: Final = 65_536


def read_delimited(text: str, form: Format, assumed: tuple[tuple[str, str], ...] = ()) -> Reading:
    """Read a delimited text.

    Raises:
        FileProblemError: no header, a header without a known separator, or a name that stands twice.
    """
    lines = [line.rstrip("\n") for line in io.StringIO(text, newline=None)]
    position = form.skip_lines
    while position < len(lines) and not lines[position].strip():
        position += 1
    declared = form.delimiter
    if position < len(lines) and not declared and lines[position].lower().startswith("sep=") and lines[position][4:]:
        declared, position = lines[position][4], position + 1  # a spreadsheet's own hint
    if position >= len(lines):
        raise FileProblemError(row=0, expected="a header and rows", found="an empty file")
    delimiter = declared or _sniffed(lines[position], form)
    if delimiter not in SEPARATORS:
        raise FileProblemError(row=position + 1, expected="one of ; , tab | as separator", found="none of them")
    if not declared:
        assumed = (*assumed, ("delimiter", SEPARATORS[delimiter]))
    if form.columns:
        return Reading(records=_records(lines, position, delimiter, form.columns), header=form.columns, assumed=assumed)
    header, after = _header(lines, position, delimiter)
    return Reading(records=_records(lines, after, delimiter, header), header=header, assumed=assumed)


def _sniffed(line: str, form: Format) -> str:
    """The separator under which most expected columns stand in the header, then the one that gives most columns."""

    def worth(separator: str) -> tuple[int, int]:
        cells = [cell.strip() for cell in _cells([line], separator) or ()]
        if form.columns:
            return int(len(cells) == len(form.columns)), len(cells)
        return len(set(cells) & set(form.expected)), len(cells)

    best = max(SEPARATORS, key=worth)
    alone = len(form.columns or form.expected) == 1  # one column needs no separator
    return best if worth(best)[1] > 1 or alone else ""


def _header(lines: list[str], position: int, delimiter: str) -> tuple[tuple[str, ...], int]:
    for taken in range(1, min(MAX_QUOTED_LINES, len(lines) - position) + 1):
        cells = _cells(lines[position : position + taken], delimiter)
        if cells is not None:
            return checked_header([cell.strip() for cell in cells], position + 1), position + taken
    raise FileProblemError(row=position + 1, expected="a header", found="a quote that is never closed")


def checked_header(cells: Sequence[str], row: int) -> tuple[str, ...]:
    """Check the names of the columns; empty ones at the end are none.

    Raises:
        FileProblemError: too many, or one stands twice (told by positions: a file without header holds values there).
    """
    names = list(cells)
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise FileProblemError(row=row, expected=f"at most {MAX_COLUMNS} columns", found=f"{len(names)}")
    first: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if name and name in first:
            found = f"the same name in columns {first[name]} and {place}"
            raise FileProblemError(row=row, expected="a name for each column", found=found)
        first.setdefault(name, place)
    return tuple(names)


def _records(lines: list[str], position: int, delimiter: str, header: Sequence[str]) -> Iterator[Record | Refusal]:
    width, count = len(header), 0
    while position < len(lines):
        line = lines[position]
        if not line.strip():
            position += 1
            continue
        count += 1
        if count > MAX_RECORDS:
            yield Refusal(number=position + 1, field="", expected=f"at most {MAX_RECORDS} rows", found="more")
            return
        number, cells, position = position + 1, *_row(lines, position, delimiter, width)
        if cells is None:
            yield _refused(number, line, delimiter, width)
        else:
            yield Record(number=number, fields=dict(zip(header, cells, strict=False)))


def _row(lines: list[str], position: int, delimiter: str, width: int) -> tuple[list[str] | None, int]:
    """Cells of the record that begins here, and where the next begins; None when it does not fit the header."""
    line = lines[position]
    if '"' not in line:
        cells: list[str] | None = line.split(delimiter)
        return _fitted(cells, width), position + 1
    for taken in range(1, min(MAX_QUOTED_LINES, len(lines) - position) + 1):
        cells = _cells(lines[position : position + taken], delimiter)
        if cells is not None:
            fitted = _fitted(cells, width)
            if fitted is not None or taken == 1:
                return fitted or _fitted(line.split(delimiter), width), position + taken
            break  # what was joined is no row of this file: the quote belongs to the text
    return _fitted(line.split(delimiter), width), position + 1


def _fitted(cells: list[str] | None, width: int) -> list[str] | None:
    """A row has as many cells as the header; empty ones more are an exporter's habit."""
    if cells is None or len(cells) < width or any(cell.strip() for cell in cells[width:]):
        return None
    return None if any(len(cell) > MAX_CELL for cell in cells) else cells[:width]


def _cells(lines: list[str], delimiter: str) -> list[str] | None:
    """Cells of one record; None while its quotes are open."""
    text = "\n".join(lines)
    if text.count('"') % 2:
        return None
    try:
        rows = list(csv.reader([text], delimiter=delimiter)) if "\n" not in text else _parsed(text, delimiter)
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _parsed(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _refused(number: int, line: str, delimiter: str, width: int) -> Refusal:
    """Say whether another separator would have fitted: a file glued together from two exports."""
    expected = f"{width} columns separated by {SEPARATORS[delimiter]}"
    for other, name in SEPARATORS.items():
        if other != delimiter and width > 1 and line.count(other) == width - 1:
            return Refusal(number=number, field="", expected=expected, found=f"{width} columns separated by {name}")
    return Refusal(number=number, field="", expected=expected, found=f"{line.count(delimiter) + 1} columns")
