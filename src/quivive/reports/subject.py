"""*Qui a consulté mes données ?*, addressed to the controller, who answers the person (CJEU C-579/21; law S-01).

Called by `office`. Must never hold an agent's code or name, what was searched, or an open question about anybody: date,
operation, tables, reason, category of recipient, and the gaps of the period.
"""

from collections.abc import Mapping, Sequence

from quivive.reports.document import CellKind, Document, Note, Table, piece
from quivive.reports.dossier import table
from quivive.reports.facts import Installation, Period

T, N, I, C = CellKind.TEXT, CellKind.COUNT, CellKind.INSTANT, CellKind.CODE  # noqa: E741


def compile_subject(
    accesses: Sequence[Mapping[str, object]],
    automatic: Sequence[Mapping[str, object]],
    gaps: Sequence[Mapping[str, object]],
    installation: Installation,
    period: Period,
) -> Document:
    """Make the report from rows with `at`, `action`, `tables`, `reason`; automatic reads come grouped."""
    (company,) = installation.controllers
    return Document(
        code="subject_report",
        as_of=period.as_of,
        meta=(
            ("report.addressee", company.name),
            ("report.operator", installation.operator),
            ("report.contact", installation.contact or "–"),
        ),
        intro=(
            Note(code="subject_report.window", values=(("from_at", period.from_at), ("to_at", period.to_at))),
            Note(code="subject_report.names_withheld"),
        ),
        pieces=(
            piece(1, "piece.consultations", _consultations(accesses)),
            piece(
                2,
                "piece.automatic",
                table(
                    "automatic", automatic, ("action", C, "action"), ("accesses", N), ("first_at", I), ("last_at", I)
                ),
            ),
            piece(
                3,
                "piece.gaps",
                table("gaps", gaps, ("source", T), ("from_at", I), ("to_at", I), ("cause", C, "gap")),
                notes=(Note(code="piece.gaps.note"),),
            ),
        ),
    )


def _consultations(accesses: Sequence[Mapping[str, object]]) -> Table:
    return table(
        "consultations", accesses, ("at", I), ("action", C, "action"), ("tables", T), ("reason", C, "template")
    )
