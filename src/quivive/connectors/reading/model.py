"""What a file is said to be and what reading it gave: formats, records, the problem of a whole file.

Used by every reader, by mappings (`format:`) and by the registry. Must never hold a value of a file in a problem:
row, what was expected, the type or the count found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from quivive.connectors.model import Record, Refusal
from quivive.model.errors import QuiviveError

MAX_FILE_BYTES: Final = 64 << 20
"""Bytes of one file held in memory: a day of 2,000 agents is about 20 MB; a larger export is split by day."""
MAX_RECORDS: Final = 1_048_576
"""Records of one file: the rows a spreadsheet can hold."""
MAX_COLUMNS: Final = 1_024
"""Columns of one row; the widest known export has about 300."""


class FileType(StrEnum):
    """How a file is laid out. `auto` looks at the first bytes and at the name."""

    AUTO = "auto"
    DELIMITED = "delimited"
    XLSX = "xlsx"
    NDJSON = "ndjson"
    JSON = "json"
    LINES = "lines"  # one text line a record, in field `line`: server logs, for translators that parse them


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What is declared of a file; empty means: find out and say what was assumed.

    Fields:
        delimiter: one of `;` `,` tab `|`.
        encoding: `utf-8`, `cp1252` or `utf-16`.
        sheet: name of the sheet of a workbook; the first when empty.
        skip_lines: lines or rows above the header (titles of a report).
        columns: names of the columns of a file without header; then its first line is a record.
        array: JSON path (`data.items`) to the array of records; "" when the document is the array.
        expected: column names a mapping waits for; they help to find the delimiter.
    """

    type: FileType = FileType.AUTO
    delimiter: str = ""
    encoding: str = ""
    sheet: str = ""
    skip_lines: int = 0
    columns: tuple[str, ...] = ()
    array: str = ""
    expected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One file read: records and refused rows in order. `header` is empty for JSON, whose records differ.

    `assumed` says what was found out rather than declared: ("encoding", "cp1252"), ("delimiter", "semicolon").
    """

    records: Iterable[Record | Refusal]
    header: tuple[str, ...] = ()
    assumed: tuple[tuple[str, str], ...] = ()


class FileProblemError(QuiviveError):
    """A file as a whole cannot be read: `row` 0 when no row is to blame."""

    def __init__(self, *, row: int, expected: str, found: str) -> None:
        self.row, self.expected, self.found = row, expected, found
        place = f"row {row}: " if row else ""
        super().__init__(f"{place}expected {expected}, found {found}")
