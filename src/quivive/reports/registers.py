"""Registers as CSV, in and out: `;` or `,`, days as ISO or dd/mm/yyyy, one clear error by row and field.

Called by `quivive register`. Pure. Must never take half a file: either every row is read, or none, and why is told.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from quivive.model.clock import SECOND_US, Micros, to_rfc3339
from quivive.model.errors import QuiviveError
from quivive.model.register import Register, RegisterRowBody, RegisterState
from quivive.reports.render import plain_text, spreadsheet_cell

COLUMNS: Final = ("register", "controller", "reference", "label", "country", "from", "to", "due", "state")
MAX_ROWS: Final = 10_000
"""Lines of one file: every charter of a large operator."""
MAX_ERRORS: Final = 20
MAX_TEXT: Final = 200
_COUNTRY: Final = re.compile(r"(?:[A-Z]{2})?")
_DAYS: Final = ("%Y-%m-%d", "%d/%m/%Y")


class RegisterError(QuiviveError):
    """A file that was not taken. Each line of the message names a row, a field, what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    row: int
    field: str
    expected: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.field}: expected {self.expected}"


def read_register(data: bytes, controllers: Iterable[str]) -> list[RegisterRowBody]:
    """Read a file whole. UTF-8 (with or without mark) or Windows-1252.

    Raises:
        RegisterError: nothing was taken.
    """
    text = _decode(data)
    header = text.split("\n", maxsplit=1)[0]
    delimiter = ";" if header.count(";") >= header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise RegisterError(f"row 1: expected the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
    known, rows, problems = frozenset(controllers), [], list[_Problem]()
    for number, raw in enumerate(reader, start=2):
        if number > MAX_ROWS + 1:
            raise RegisterError(f"more than {MAX_ROWS} rows")
        found = _row(raw, number, known)
        if isinstance(found, RegisterRowBody):
            rows.append(found)
        else:
            problems += found
    if problems:
        raise RegisterError("\n".join(map(str, problems[:MAX_ERRORS])))
    return rows


def write_register(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Write lines as `read_register` reads them; no spreadsheet runs a cell."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        days = (_day(row[name]) for name in ("from_at", "to_at", "due_at"))
        texts = (
            spreadsheet_cell(str(row[name])) for name in ("register", "controller", "reference", "label", "country")
        )
        writer.writerow([*texts, *days, row["state"]])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _row(raw: Mapping[str, str | None], number: int, known: frozenset[str]) -> RegisterRowBody | list[_Problem]:
    cells = {name: plain_text((raw.get(name) or "").strip()).strip() for name in COLUMNS}
    days = {name: _instant(cells[name]) for name in ("from", "to", "due")}
    fits = {
        "register": (cells["register"] in set(Register), "one of " + ", ".join(Register)),
        "state": (cells["state"] in set(RegisterState), "one of " + ", ".join(RegisterState)),
        "controller": (not cells["controller"] or cells["controller"] in known, "a company of this installation"),
        "reference": (0 < len(cells["reference"]) <= MAX_TEXT, f"1 to {MAX_TEXT} characters"),
        "label": (len(cells["label"]) <= MAX_TEXT, f"at most {MAX_TEXT} characters"),
        "country": (bool(_COUNTRY.fullmatch(cells["country"])), "two capital letters (ISO 3166-1)"),
        **{name: (at is not None, "a day such as 2026-11-23 or 23/11/2026") for name, at in days.items()},
    }
    problems = [_Problem(row=number, field=name, expected=wanted) for name, (fine, wanted) in fits.items() if not fine]
    if problems:
        return problems
    return RegisterRowBody(
        register=Register(cells["register"]),
        controller=cells["controller"],
        reference=cells["reference"],
        label=cells["label"],
        country=cells["country"],
        from_at=days["from"] or 0,
        to_at=days["to"] or 0,
        due_at=days["due"] or 0,
        state=RegisterState(cells["state"]),
    )


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _instant(text: str) -> int | None:
    """Midnight UTC of a written day; 0 for nothing, None for something else."""
    if not text:
        return 0
    for form in _DAYS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) * SECOND_US
        except ValueError:
            continue
    return None


def _day(at: object) -> str:
    value = int(str(at))
    return to_rfc3339(Micros(value))[:10] if value else ""
