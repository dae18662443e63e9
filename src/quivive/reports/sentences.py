"""Every sentence that the reports can ask for, found by compiling them over nothing.

Called by the console's test of completeness: report sentences stand in its catalogue. Pure.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from quivive.model.alert import Switch
from quivive.model.gate import Module
from quivive.model.gate_record import GateRecordKind
from quivive.model.register import Register, RegisterState
from quivive.reports.document import Document, PieceState
from quivive.reports.dossier import QUERIES, Found, compile_dossier
from quivive.reports.evidence import compile_evidence
from quivive.reports.facts import ControllerFact, Installation, Period
from quivive.reports.render import LABELS
from quivive.reports.subject import compile_subject

MEASURES: Final = (
    "tls_console",
    "keys_apart",
    "traces_sealed",
    "values_absent",
    "second_factor",
    "witness",
    "timestamps",
)
"""Security measures that the installation can answer for (article 32)."""
_PROCESSING: Final = ("access_trace", "alerts", "governance")
_CODES: Final[tuple[tuple[str, type[StrEnum]], ...]] = (
    ("piece_state", PieceState),
    ("module", Module),
    ("gate_record", GateRecordKind),
    ("switch", Switch),
    ("register", Register),
    ("register_state", RegisterState),
)


def all_codes() -> Iterator[str]:
    """Every sentence id of the three reports."""
    for document in _documents():
        yield f"{document.code}.title"
        yield from (label for label, _ in document.meta)
        yield from (note.code for note in document.intro)
        for piece in document.pieces:
            yield f"{piece.code}.title"
            yield from (note.code for note in piece.notes)
            for table in piece.tables:
                yield f"table.{table.name}"
                yield from (f"column.{column.code}" for column in table.columns)
    yield from (f"report.{name}" for name in (*LABELS, "more", "yes", "no", "cut", "readme"))
    yield from (f"measure.{name}" for name in MEASURES)
    yield from (f"processing.{name}" for name in _PROCESSING)
    for prefix, members in _CODES:
        yield from (f"{prefix}.{member}" for member in members)


def _documents() -> Iterator[Document]:
    company = ControllerFact(id="x", name="x", retention_days={})
    installation = Installation(
        operator="x", contact="x", version="x", controllers=(company,), sources=(), heads=(), verified=0
    )
    period = Period(from_at=1, to_at=2, as_of=2)
    nothing = dict.fromkeys(QUERIES, ())
    lists = {**nothing, "prospection": ({"controller": "x"},)}
    for found in (Found(by_query=nothing), Found(by_query=lists)):
        yield compile_dossier(found, installation, period)
        yield compile_evidence(found, installation, period)
    yield compile_subject((), (), (), installation, period)
