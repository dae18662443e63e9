"""The access log that Cap Voyage's CRM writes: one JSON object a line, appended to a file.

Called by the booking agents of `centre.py`. The forms are those of POST /v1/accesses (docs/access-api.md).
Must never hold a name or a telephone number: the CRM logs who opened which record.
"""

import json
from pathlib import Path
from typing import Any, Final

from quivive.model.clock import Micros, to_rfc3339

MAX_LOG_BYTES: Final = 64 << 20
"""Bytes after which the log is put aside as `.1` and begun anew, as log rotation does."""
_COLUMNS: Final = {
    "customer": ("customer.last_name", "customer.first_name", "customer.phone"),
    "booking": ("booking.destination", "booking.departs_on"),
}


def access_row(
    *, native_id: str, at: int, agent: str, contact: str, action: str, customer: int, booking: int = 0
) -> dict[str, Any]:
    """Build one line: an agent opened a customer, alone or with a booking."""
    tables = ("customer", "booking") if booking else ("customer",)
    row: dict[str, Any] = {
        "id": native_id,
        "at": to_rfc3339(Micros(at)),
        "controller": "voyage",
        "agent": agent,
        "action": action,
        "records": [f"customer:{customer}", *([f"booking:{booking}"] if booking else [])],
        "columns": [column for table in tables for column in _COLUMNS[table]],
        "rows": len(tables),
    }
    if action == "update":
        row["changed"] = ["booking.departs_on"] if booking else ["customer.phone"]
    if contact:
        row["contact"] = contact
    return row


class AccessLog:
    """The file itself. One writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=True)

    def write(self, row: dict[str, Any]) -> None:
        """Append one line, whole, in one write."""
        line = json.dumps(row, ensure_ascii=False) + "\n"
        with self._path.open("ab", buffering=0) as file:
            file.write(line.encode())
        if self._path.stat().st_size > MAX_LOG_BYTES:
            self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
            self._path.touch()
