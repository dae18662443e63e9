"""XLSX workbooks to records: one sheet, read row by row; dates stay dates, numbers stay numbers.

Called by `reading.files`. Must never unpack what a small file claims to hold: sizes are checked before anything is
read, formulas give their last value and are never computed, and no link is followed.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from quivive.connectors.model import Record, Refusal
from quivive.connectors.reading.delimited import checked_header
from quivive.connectors.reading.model import MAX_COLUMNS, MAX_RECORDS, FileProblemError, Format, Reading

MAX_UNPACKED_BYTES: Final = 512 << 20
"""Bytes a workbook may unpack to: a sheet of a million rows and ten columns has about 300 MB of XML."""
MAX_PARTS: Final = 2_000
"""Files inside a workbook."""
MAX_RATIO: Final = 200
"""Times a part may grow; spreadsheets grow ten to fifty times."""
ZIP_MARK: Final = b"PK\x03\x04"


def read_workbook(data: bytes, form: Format) -> Reading:
    """Read one sheet of a workbook.

    Raises:
        FileProblemError: no workbook, too large unpacked, no such sheet, no header.
    """
    _check_size(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet = _sheet(book, form.sheet)
        rows = _rows(sheet)
        assumed = () if form.sheet else (("sheet", "first"),)
        if form.columns:
            return Reading(records=_records(rows, form.columns, form.skip_lines), header=form.columns, assumed=assumed)
        header = _header(rows, form.skip_lines)
    except FileProblemError:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl raises whatever its parsers do on a damaged file
        raise FileProblemError(row=0, expected="an XLSX workbook", found=_reason(error)) from None
    return Reading(records=_records(rows, header, 0), header=header, assumed=assumed)


def _sheet(book: Any, name: str) -> Any:
    names = book.sheetnames
    if not names or (name and name not in names):
        raise FileProblemError(row=0, expected=f"a sheet named {name}", found=f"{len(names)} others")
    sheet = book[name or names[0]]
    sheet.reset_dimensions()  # exporters write wrong ones
    return sheet


def _reason(error: Exception) -> str:
    known = isinstance(error, (InvalidFileException, zipfile.BadZipFile, KeyError))
    return "a damaged workbook" if known else f"a damaged workbook ({type(error).__name__})"


def _check_size(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise FileProblemError(row=0, expected="an XLSX workbook", found="a damaged workbook") from None
    unpacked = sum(part.file_size for part in parts)
    grown = any(part.file_size > 1 << 20 and part.file_size > MAX_RATIO * part.compress_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED_BYTES or grown:
        raise FileProblemError(
            row=0, expected=f"at most {MAX_UNPACKED_BYTES} bytes unpacked", found="a workbook that grows beyond"
        )


def _rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """Rows that hold something, with their numbers."""
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS), start=1):
        if any(cell is not None for cell in row):
            yield number, list(row)


def _header(rows: Iterator[tuple[int, list[Any]]], skip: int) -> tuple[str, ...]:
    for number, row in rows:
        if number > skip:
            return checked_header([str(cell).strip() if cell is not None else "" for cell in row], number)
    raise FileProblemError(row=0, expected="a header and rows", found="an empty sheet")


def _records(rows: Iterator[tuple[int, list[Any]]], header: Sequence[str], skip: int) -> Iterator[Record | Refusal]:
    width = len(header)
    try:
        for count, (number, row) in enumerate(rows):
            if number <= skip:
                continue
            if count >= MAX_RECORDS:
                yield Refusal(number=number, field="", expected=f"at most {MAX_RECORDS} rows", found="more")
                return
            cells = row + [None] * (width - len(row))
            yield Record(number=number, fields=dict(zip(header, cells, strict=False)))
    except Exception as error:  # noqa: BLE001 - a sheet damaged further down
        raise FileProblemError(row=0, expected="an XLSX workbook", found=_reason(error)) from None
