"""One AUDIT line of pgAudit, field by field (its README, "Format").

Called by `connectors.pgaudit.translator`. Pure.
"""

from dataclasses import dataclass
from typing import Final

from quivive.connectors.model import Refusal
from quivive.connectors.pgaudit.server_log import LogRecord, csv_fields

AUDIT: Final = "AUDIT: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One AUDIT line: `rows` None where `pgaudit.log_rows` is off or counts nothing."""

    statement: int
    substatement: int
    kind: str
    command: str
    object_type: str
    object_name: str
    text: str
    given: str
    rows: int | None


def read_audit(record: LogRecord) -> Audit | Refusal:
    wrong = Refusal(number=record.number, field="message", expected="the fields of pgAudit", found="other text")
    fields = csv_fields(record.message[len(AUDIT) :])
    if fields is None or len(fields) not in {9, 10} or not fields[1].isdecimal() or not fields[2].isdecimal():
        return wrong
    return Audit(
        statement=int(fields[1]),
        substatement=int(fields[2]),
        kind=fields[3],
        command=fields[4],
        object_type=fields[5],
        object_name=fields[6],
        text=fields[7],
        given=fields[8],
        rows=int(fields[9]) if len(fields) == 10 and fields[9].isdecimal() else None,
    )
