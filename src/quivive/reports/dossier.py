"""*Dossier de contrôle*: the twenty pieces an inspection asks for (law reference §3), each produced, empty or not.

Called by `office`. Reads named queries inside the scope and nothing else. Must never say *conforme*, never name an
agent, and never pass over a piece: what this installation cannot tell is said as not covered.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from quivive.reports.document import CellKind, Column, Document, Note, Piece, Table, not_covered, piece
from quivive.reports.facts import Installation, Period, Read

RIGHTS_ACTS: Final = frozenset({"search_subject", "view_subject"})
"""Acts that answer a person's request."""
_GATE_PAPERS: Final = frozenset({"council_note", "council_opinion", "agent_notice"})

MAX_ROWS: Final = 5_000
"""Rows one query may give; a longer list is said to be cut, by name, on the first page."""

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the queries gave, by name. `cut`: queries that had more."""

    by_query: Mapping[str, Rows]
    cut: tuple[str, ...] = ()

    def of(self, name: str) -> Rows:
        """Rows of one query."""
        return self.by_query[name]


QUERIES: Final = (
    "establishments", "country_matrix", "entitlements", "acts_of_period", "alert_outcomes", "alert_digest",
    "prospection", "retention", "certificates", "holds", "nonconformities", "audio_limits", "gate_answers",
    "gate_history", "gate_records", "rules_in_force", "health", "gaps", "coverage", "cases", "switches",
    "register_rows",
    "attestations",
)  # fmt: skip
"""Named queries a dossier reads."""


async def read_all(read: Read) -> Found:
    """Run every query of a dossier inside its scope."""
    found = dict(zip(QUERIES, await asyncio.gather(*(read(name, limit=MAX_ROWS) for name in QUERIES)), strict=True))
    return Found(by_query=found, cut=tuple(name for name, rows in found.items() if len(rows) >= MAX_ROWS))


def compile_dossier(found: Found, installation: Installation, period: Period) -> Document:
    """Make the document: the same rows and facts give the same pieces."""
    makers = (
        _organisation, _registers_of_processing, _contracts, _sub_processors, _assessment, _council, _entitlements,
        _logging, _integrity, _reviews, _breaches, _recordings, _announcements, _retention, _rights, _prospection,
        _charters, _looks, _contract_ends, _security,
    )  # fmt: skip
    pieces = tuple(make(number, found, installation) for number, make in enumerate(makers, start=1))
    return Document(
        code="dossier",
        as_of=period.as_of,
        meta=(
            ("report.operator", installation.operator),
            ("report.controllers", ", ".join(each.name for each in installation.controllers)),
            ("report.contact", installation.contact or "–"),
        ),
        intro=(
            Note(code="dossier.period", values=(("from_at", period.from_at), ("to_at", period.to_at))),
            Note(code="dossier.neutral"),
            Note(code="dossier.pseudonyms"),
            *(Note(code="report.cut", values=(("query", name), ("rows", MAX_ROWS))) for name in found.cut),
        ),
        pieces=pieces,
    )


def table(name: str, rows: Rows, *columns: tuple[str, CellKind] | tuple[str, CellKind, str]) -> Table:
    """A table of the named fields of rows; a third item is the prefix of a code's sentences."""
    shaped = tuple(Column(code=each[0], kind=each[1], prefix=each[2] if len(each) > 2 else "") for each in columns)
    return Table(name=name, columns=shaped, rows=tuple(tuple(_cell(row, each) for each in shaped) for row in rows))


def _cell(row: Mapping[str, object], column: Column) -> str | int:
    value = row.get(column.code)
    if column.kind in (CellKind.TEXT, CellKind.CODE):
        return "" if value is None else str(value)
    return 0 if value is None else int(str(value)) if not isinstance(value, bool) else int(value)


T, N, I, D, C, Y = CellKind.TEXT, CellKind.COUNT, CellKind.INSTANT, CellKind.DAY, CellKind.CODE, CellKind.YES  # noqa: E741


def _organisation(number: int, found: Found, installation: Installation) -> Piece:
    companies = [{"controller": each.id, "name": each.name} for each in installation.controllers]
    return piece(
        number,
        "piece.organisation",
        table("companies", companies, ("controller", T), ("name", T)),
        table(
            "establishments", found.of("establishments"), ("employer", T), ("establishment", T), ("site", T),
            ("country", T), ("people", N), ("informed", N), ("left_already", N),
        ),
    )  # fmt: skip


def _registers_of_processing(number: int, found: Found, installation: Installation) -> Piece:
    del found
    lines = [
        {"controller": each.id, "register": register, "retention_days": each.retention_days.get(kept, 0)}
        for each in installation.controllers
        for register, kept in (("access_trace", "trace"), ("alerts", "alert"), ("governance", "governance"))
    ]
    return piece(
        number,
        "piece.registers",
        table("processing", lines, ("controller", T), ("register", C, "processing"), ("retention_days", N)),
        notes=(Note(code="piece.registers.note"),),
    )


def _contracts(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    return _register(number, "piece.contracts", found, ("contract", "instruction"))


def _sub_processors(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    matrix = table(
        "country-matrix", found.of("country_matrix"), ("controller", T), ("country", T), ("accesses", N),
        ("first_at", I), ("last_at", I),
    )  # fmt: skip
    return piece(number, "piece.sub_processors", matrix, _register_table(found, ("sub_processor",)))


def _assessment(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    papers = [row for row in found.of("gate_records") if row["record"] == "impact_assessment"]
    return piece(
        number,
        "piece.assessment",
        _papers_table("assessments", papers),
        table("measures-live", found.of("switches"), ("switch", C, "switch"), ("is_on", Y), ("reference", T)),
    )


def _council(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    papers = [row for row in found.of("gate_records") if row["record"] in _GATE_PAPERS]
    return piece(
        number,
        "piece.council",
        _papers_table("council-papers", papers),
        table(
            "gate-states", found.of("gate_history"), ("employer", T), ("establishment", T), ("module", C, "module"),
            ("state", C, "gate"), ("sealed_at", I), ("reference", T), ("demonstration", Y),
        ),
        table(
            "informed", found.of("establishments"), ("employer", T), ("establishment", T), ("people", N),
            ("informed", N),
        ),
    )  # fmt: skip


def _entitlements(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    accounts = [
        {**row, "unused": not row["accesses"], "leaver_open": 0 < _int(row, "left_at") < _int(row, "valid_to")}
        for row in found.of("entitlements")
    ]
    return piece(
        number,
        "piece.entitlements",
        table(
            "accounts", accounts, ("controller", T), ("agent_code", T), ("valid_from", I), ("last_at", I),
            ("accesses", N), ("unused", Y), ("leaver_open", Y),
        ),
        notes=(Note(code="piece.entitlements.note"),),
    )  # fmt: skip


def _logging(number: int, found: Found, installation: Installation) -> Piece:
    sources = [
        {"source": each.name, "kind": each.kind, "controller": each.controller, "grade": each.grade}
        for each in installation.sources
    ]
    protected = [
        {"controller": controller, "table": name}
        for controller, names in sorted(installation.protected_tables.items())
        for name in names
    ]
    return piece(
        number,
        "piece.logging",
        table("sources", sources, ("source", T), ("kind", C, "source_kind"), ("controller", T), ("grade", T)),
        table("protected-tables", protected, ("controller", T), ("table", T)),
        table(
            "coverage", found.of("coverage"), ("controller", T), ("coverage", C, "coverage"), ("accesses", N),
            ("verdict", C, "verdict"), ("strength", C, "strength"), ("exposures", N),
        ),
        notes=(Note(code="piece.logging.note"),),
    )  # fmt: skip


def _integrity(number: int, found: Found, installation: Installation) -> Piece:
    heads = [
        {
            "shard": each.shard, "entries": each.entries, "published": each.published, "root": each.root,
            "signed_at": each.signed_at,
        }
        for each in installation.heads
    ]  # fmt: skip
    notes = [Note(code="piece.integrity.note")]
    if installation.verified >= 0:
        notes.append(
            Note(
                code="piece.integrity.verified",
                values=(
                    ("verified_at", installation.verified_at), ("exit", installation.verified),
                    ("entries", installation.verified_entries),
                ),
            )
        )  # fmt: skip
    return piece(
        number,
        "piece.integrity",
        table("heads", heads, ("shard", T), ("entries", N), ("published", N), ("signed_at", I), ("root", T)),
        table(
            "gaps", found.of("gaps"), ("controller", T), ("source", T), ("from_at", I), ("to_at", I),
            ("cause", C, "gap"), ("lost", N),
        ),
        notes=tuple(notes),
    )  # fmt: skip


def _reviews(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    return piece(
        number,
        "piece.reviews",
        table(
            "alert-outcomes", found.of("alert_outcomes"), ("controller", T), ("topic", T), ("severity", C, "severity"),
            ("state", C, "alert_state"), ("outcome", C, "review"), ("alerts", N), ("longest_s", N),
        ),
        table(
            "daily-digest", found.of("alert_digest"), ("controller", T), ("day", T), ("budget", N), ("opened", N),
            ("joined", N), ("audited", N),
        ),
        table(
            "attestations", found.of("attestations"), ("controller", T), ("day", T), ("principal", T), ("role", T),
            ("attested_at", I), ("open_alerts", N), ("closed_alerts", N), ("overdue_alerts", N),
        ),
        table("rules", found.of("rules_in_force"), ("rule", T), ("since", I), ("shipped", Y), ("enabled", Y)),
        notes=(Note(code="piece.reviews.note"),),
    )  # fmt: skip


def _breaches(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    cases = table("cases", found.of("cases"), ("controller", T), ("opened_at", I), ("agent_code", T))
    return piece(number, "piece.breaches", _register_table(found, ("breach",)), cases)


def _recordings(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    return piece(
        number,
        "piece.recordings",
        table(
            "campaigns", found.of("audio_limits"), ("controller", T), ("campaign", T), ("purpose", C, "purpose"),
            ("from_at", D), ("to_at", D), ("retention_days", N), ("state", C, "campaign_state"),
        ),
        table(
            "gate-answers", found.of("gate_answers"), ("controller", T), ("medium", C, "medium"), ("campaign", T),
            ("allowed", Y), ("reason", T), ("answers", N),
        ),
        table(
            "nonconformities", found.of("nonconformities"), ("controller", T),
            ("nonconformity_kind", C, "nonconformity"), ("campaign", T), ("happened_at", I), ("found_at", I),
            ("closing_reference", T),
        ),
    )  # fmt: skip


def _announcements(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    objections = [row for row in found.of("gate_answers") if row["reason"] == "objection"]
    return piece(
        number,
        "piece.announcements",
        table("objections", objections, ("controller", T), ("campaign", T), ("answers", N)),
        _register_table(found, ("announcement",)),
        notes=(Note(code="piece.announcements.note"),),
    )


def _retention(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    return piece(
        number,
        "piece.retention",
        table(
            "declared-found", found.of("retention"), ("controller", T), ("store", T), ("retention_class", T),
            ("declared_days", N), ("oldest_at", I), ("overdue", Y), ("held", T),
        ),
        table(
            "certificates", found.of("certificates"), ("controller", T), ("what", T), ("retention_class", T),
            ("day", T), ("count", N), ("executed_at", I), ("verified_absent_at", I), ("removed_root", T),
        ),
        table(
            "holds", found.of("holds"), ("controller", T), ("retention_class", T), ("from_at", D), ("to_at", D),
            ("until_at", D), ("order_code", T),
        ),
    )  # fmt: skip


def _rights(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    acts = [row for row in found.of("acts_of_period") if row["act"] in RIGHTS_ACTS]
    looked = table("rights-acts", acts, ("act", T), ("role", T), ("times", N), ("first_at", I), ("last_at", I))
    return piece(number, "piece.rights", looked, _register_table(found, ("rights_request",)))


def _prospection(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    if not found.of("prospection"):
        return not_covered(number, "piece.prospection", "piece.prospection.missing")
    return piece(
        number,
        "piece.prospection",
        table(
            "prospection", found.of("prospection"), ("controller", T), ("campaign", T), ("members", N),
            ("consented", N), ("expired", N), ("first_at", I), ("last_at", I),
        ),
        notes=(Note(code="piece.prospection.note"),),
    )  # fmt: skip


def _charters(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    papers = [row for row in found.of("gate_records") if row["record"] == "charter"]
    return piece(number, "piece.charters", _papers_table("charters", papers), _register_table(found, ("charter",)))


def _looks(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    return piece(
        number,
        "piece.looks",
        table(
            "looks", found.of("acts_of_period"), ("act", T), ("principal", T), ("role", T), ("purpose", T),
            ("times", N), ("shown", N), ("first_at", I), ("last_at", I),
        ),
        notes=(Note(code="piece.looks.note"),),
    )  # fmt: skip


def _contract_ends(number: int, found: Found, installation: Installation) -> Piece:
    del installation
    ended = [row for row in found.of("certificates") if row["what"] == "controller"]
    return piece(
        number,
        "piece.contract_ends",
        table(
            "ends", ended, ("controller", T), ("executed_at", I), ("verified_absent_at", I), ("keys_destroyed", N),
            ("removed_root", T),
        ),
        _register_table(found, ("contract_end",)),
    )  # fmt: skip


def _security(number: int, found: Found, installation: Installation) -> Piece:
    del found
    measures = [{"measure": code, "in_force": held} for code, held in installation.measures]
    return piece(
        number,
        "piece.security",
        table("measures", measures, ("measure", C, "measure"), ("in_force", Y)),
        notes=(Note(code="piece.security.note", values=(("version", installation.version),)),),
    )


def _register(number: int, code: str, found: Found, kinds: tuple[str, ...]) -> Piece:
    return piece(number, code, _register_table(found, kinds))


def _register_table(found: Found, kinds: tuple[str, ...]) -> Table:
    rows = [row for row in found.of("register_rows") if row["register"] in kinds]
    return table(
        f"register-{kinds[0].replace('_', '-')}", rows, ("register", C, "register"), ("controller", T),
        ("reference", T), ("label", T), ("country", T), ("from_at", D), ("to_at", D), ("due_at", D),
        ("state", C, "register_state"),
    )  # fmt: skip


def _papers_table(name: str, papers: Rows) -> Table:
    return table(
        name, papers, ("employer", T), ("establishment", T), ("module", C, "module"), ("record", C, "gate_record"),
        ("dated_at", D), ("reference", T), ("text_sha256", T), ("demonstration", Y),
    )  # fmt: skip


def _int(row: Mapping[str, object], name: str) -> int:
    return int(str(row.get(name) or 0))
