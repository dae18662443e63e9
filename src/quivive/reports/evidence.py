"""The controller's monthly evidence pack: continuous, of its own data alone (GDPR 28(1), 28(3)(h); law reference P-01).

Called by `office`. The pieces are those of the dossier that concern one company, numbered on their own. Must never
hold a line of another company, nor an open item of an agent: counts and delays until a case is closed.
"""

from dataclasses import replace
from typing import Final

from quivive.reports.document import Document, Note
from quivive.reports.dossier import Found, compile_dossier
from quivive.reports.facts import Installation, Period

PIECES: Final = (
    "piece.logging", "piece.integrity", "piece.reviews", "piece.entitlements", "piece.recordings", "piece.retention",
    "piece.sub_processors", "piece.rights", "piece.looks",
)  # fmt: skip
"""Coverage, integrity, reviews and delays, accounts, recordings, retention, countries, requests, who looked."""


def compile_evidence(found: Found, installation: Installation, period: Period) -> Document:
    """Make the pack of the one company that the scope held."""
    (company,) = installation.controllers
    whole = {piece.code: piece for piece in compile_dossier(found, installation, period).pieces}
    pieces = tuple(replace(whole[code], number=number) for number, code in enumerate(PIECES, start=1))
    return Document(
        code="evidence",
        as_of=period.as_of,
        meta=(
            ("report.addressee", company.name),
            ("report.operator", installation.operator),
            ("report.contact", installation.contact or "–"),
        ),
        intro=(
            Note(code="dossier.period", values=(("from_at", period.from_at), ("to_at", period.to_at))),
            Note(code="evidence.guarantees"),
            Note(code="dossier.pseudonyms"),
        ),
        pieces=pieces,
    )
