"""NDJSON and JSON documents to records.

Called by `reading.files`. Pure. A damaged line is one refused row; a damaged document is the problem of the file.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from quivive.connectors.model import Record, Refusal
from quivive.connectors.reading.model import MAX_RECORDS, FileProblemError, Format, Reading
from quivive.rows import type_name

MAX_LINE_BYTES: Final = 8 << 20
"""Bytes of one line of NDJSON; a conversation with all its segments has about 100 kB."""
_DAMAGED: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError)


def read_ndjson(text: str, assumed: tuple[tuple[str, str], ...] = ()) -> Reading:
    """Read one object a line."""
    return Reading(records=_lines(text), assumed=assumed)


def _lines(text: str) -> Iterator[Record | Refusal]:
    count = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        count += 1
        if count > MAX_RECORDS:
            yield Refusal(number=number, field="", expected=f"at most {MAX_RECORDS} rows", found="more")
            return
        try:
            value = _decoded(line) if len(line) <= MAX_LINE_BYTES else None
        except _DAMAGED:
            yield Refusal(number=number, field="", expected="a JSON object", found="damaged JSON")
            continue
        yield _record(number, value)


def _decoded(text: str) -> Any:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        return json.loads(text)  # undecodable bytes stay where they are: the mapping refuses the cell, not the file
    return msgspec.json.decode(text)


def _record(number: int, value: Any) -> Record | Refusal:
    if not isinstance(value, dict):
        return Refusal(number=number, field="", expected="a JSON object", found=type_name(value))
    return Record(number=number, fields=value)


def read_json(text: str, form: Format, assumed: tuple[tuple[str, str], ...] = ()) -> Reading:
    """Read an array of objects, alone or inside an envelope (`array: data.items`), or one object.

    Raises:
        FileProblemError: no JSON, or no array where the format says.
    """
    try:
        document = _decoded(text)
    except json.JSONDecodeError as error:
        raise FileProblemError(row=error.lineno, expected="JSON", found="damaged JSON") from None
    except _DAMAGED as error:
        raise FileProblemError(row=_line_of(str(error), text), expected="JSON", found="damaged JSON") from None
    for step in form.array.split(".") if form.array else ():
        document = document.get(step) if isinstance(document, dict) else None
    items = [document] if isinstance(document, dict) and not form.array else document
    if not isinstance(items, list):
        expected = f"an array at {form.array}" if form.array else "an array of objects"
        raise FileProblemError(row=0, expected=expected, found=type_name(items))
    if len(items) > MAX_RECORDS:
        raise FileProblemError(row=0, expected=f"at most {MAX_RECORDS} items", found="more")
    return Reading(records=[_record(number, item) for number, item in enumerate(items, start=1)], assumed=assumed)


def _line_of(message: str, text: str) -> int:
    """Line behind the byte position that the decoder names, 0 when it names none."""
    position = message.rpartition("(byte ")[2].rstrip(")")
    if not position.isdigit():
        return 0
    return text.encode(errors="replace")[: int(position)].count(b"\n") + 1
