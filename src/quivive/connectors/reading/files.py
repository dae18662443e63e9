"""One door to the readers: bytes of a file and its declared format in, records out.

Called by the folder watch, the webhook and the dry run. Pure.
"""

from collections.abc import Iterator
from typing import Final

from quivive.connectors.model import Record, Refusal
from quivive.connectors.reading.delimited import read_delimited
from quivive.connectors.reading.model import (
    MAX_FILE_BYTES,
    MAX_RECORDS,
    FileProblemError,
    FileType,
    Format,
    Reading,
)
from quivive.connectors.reading.structured import read_json, read_ndjson
from quivive.connectors.reading.text import decode
from quivive.connectors.reading.workbook import ZIP_MARK, read_workbook

LINE_FIELD: Final = "line"
"""Field of a record of type `lines`."""
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"


def read_file(data: bytes, form: Format) -> Reading:
    """Read a file by its format, or by what its first bytes show.

    Raises:
        FileProblemError: the file as a whole cannot be read.
    """
    if len(data) > MAX_FILE_BYTES:
        raise FileProblemError(row=0, expected=f"at most {MAX_FILE_BYTES} bytes (split it by day)", found="more")
    if not data.strip():
        raise FileProblemError(row=0, expected="a header and rows", found="an empty file")
    if data.startswith(_OLD_EXCEL):
        raise FileProblemError(row=0, expected="XLSX or CSV", found="the old Excel format: save it as XLSX")
    if form.type is FileType.XLSX or (form.type is FileType.AUTO and data.startswith(ZIP_MARK)):
        return read_workbook(data, form)
    if data.startswith(ZIP_MARK):
        raise FileProblemError(row=0, expected=f"a file of type {form.type}", found="a workbook or an archive")
    text, encoding = decode(data, form.encoding)
    assumed = (("encoding", encoding),) if encoding else ()
    match _type(text, form):
        case FileType.JSON:
            return read_json(text, form, assumed)
        case FileType.NDJSON:
            return read_ndjson(text, assumed)
        case FileType.LINES:
            return Reading(records=_lines(text), assumed=assumed)
        case _:
            return read_delimited(text, form, assumed)


def _type(text: str, form: Format) -> FileType:
    if form.type is not FileType.AUTO:
        return form.type
    start = text.lstrip()[:1]
    if start == "[" or form.array:
        return FileType.JSON
    if start == "{":
        first, _, rest = text.strip().partition("\n")
        return FileType.NDJSON if first.rstrip().endswith("}") and rest.lstrip().startswith("{") else FileType.JSON
    return FileType.DELIMITED


def _lines(text: str) -> Iterator[Record | Refusal]:
    for number, line in enumerate(text.split("\n"), start=1):
        if number > MAX_RECORDS:
            yield Refusal(number=number, field="", expected=f"at most {MAX_RECORDS} lines", found="more")
            return
        if line.strip():
            yield Record(number=number, fields={LINE_FIELD: line.rstrip("\r")})
