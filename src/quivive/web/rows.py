"""Rows of the projection as the pages read them: typed, absent fields empty.

Built from the dictionaries that `Services.query` returns (their names: docs of the projection); read by
templates, sentences and JSON twins. Must never invent a value: an absent field stays empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from quivive.model.clock import Micros, to_rfc3339


def text(row: Mapping[str, object], name: str) -> str:
    """A text field; None and absence give ""."""
    value = row.get(name)
    return "" if value is None else str(value)


def number(row: Mapping[str, object], name: str) -> int:
    """An integer field; None and absence give 0."""
    value = row.get(name)
    return int(value) if isinstance(value, (int, float)) else 0


def flag(row: Mapping[str, object], name: str) -> bool:
    """A boolean field; None and absence give False."""
    return bool(row.get(name))


def names(row: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A list of names; a single text becomes a list of one."""
    value = row.get(name)
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(str(item) for item in value) if isinstance(value, Iterable) else ()


def _short(name: str) -> str:
    """`public.customer.last_name` → `customer.last_name`: the schema says nothing when it is the default."""
    return name.removeprefix("public.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One access, episode, group or evidence line. Instants in microseconds UTC, 0 when absent."""

    access: str
    at: int
    ended_at: int
    controller: str
    source: str
    grade: str
    agent_code: str
    attribution: str
    action: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    changed: tuple[str, ...]
    coverage: str
    rows: int
    distinct: int
    outcome: str
    verdict: str
    strength: str
    template: str
    unknown_cause: str
    evidence_kind: str
    evidence_label: str
    evidence_delta_s: int
    pattern_class: str
    statements: int
    episode: str
    records: int
    first_at: int
    last_at: int
    assigned: bool
    found: bool
    contact_label: str
    nearest_at: int
    delta_s: int
    complete_to: int
    silent: bool

    @property
    def what(self) -> str:
        """Columns when known, else tables; changed columns first."""
        columns = self.changed or self.columns
        return ", ".join(_short(name) for name in (columns or self.tables)) or "–"

    @property
    def table_list(self) -> str:
        """Tables without their default schema."""
        return ", ".join(_short(name) for name in self.tables) or "–"


def read_row(row: Mapping[str, object]) -> Row:
    """Read one dictionary of the projection."""
    return Row(
        access=text(row, "access"),
        at=number(row, "at") or number(row, "first_at"),
        ended_at=number(row, "ended_at"),
        controller=text(row, "controller"),
        source=text(row, "source"),
        grade=text(row, "grade"),
        agent_code=text(row, "agent_code"),
        attribution=text(row, "attribution"),
        action=text(row, "action"),
        tables=names(row, "tables"),
        columns=names(row, "columns"),
        changed=names(row, "changed"),
        coverage=text(row, "coverage"),
        rows=number(row, "rows"),
        distinct=number(row, "distinct"),
        outcome=text(row, "outcome"),
        verdict=text(row, "verdict"),
        strength=text(row, "strength"),
        template=text(row, "template"),
        unknown_cause=text(row, "unknown_cause"),
        evidence_kind=text(row, "evidence_kind"),
        evidence_label=text(row, "evidence_label"),
        evidence_delta_s=number(row, "evidence_delta_s"),
        pattern_class=text(row, "pattern_class"),
        statements=number(row, "statements"),
        episode=text(row, "episode"),
        records=number(row, "records"),
        first_at=number(row, "first_at") or number(row, "at"),
        last_at=number(row, "last_at") or number(row, "ended_at") or number(row, "at"),
        assigned=row.get("assigned") is not False,
        found=flag(row, "found"),
        contact_label=text(row, "contact_label"),
        nearest_at=number(row, "nearest_at"),
        delta_s=number(row, "delta_s"),
        complete_to=number(row, "complete_to"),
        silent=flag(row, "silent"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """An interval in which a source may have missed something; `lost` -1 = not known."""

    controller: str
    source: str
    from_at: int
    to_at: int
    cause: str
    lost: int


def read_gap(row: Mapping[str, object]) -> GapRow:
    """Read one row of `gaps`."""
    return GapRow(
        controller=text(row, "controller"),
        source=text(row, "source"),
        from_at=number(row, "from_at"),
        to_at=number(row, "to_at"),
        cause=text(row, "cause"),
        lost=number(row, "lost"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """Freshness of one source."""

    controller: str
    source: str
    last_at: int
    complete_to: int
    entries: int
    gaps: int
    silent: bool

    @property
    def seen(self) -> bool:
        """Tell whether the source has ever given a sign of life."""
        return self.last_at > 0


def read_source(row: Mapping[str, object]) -> SourceRow:
    """Read one row of `health`."""
    return SourceRow(
        controller=text(row, "controller"),
        source=text(row, "source"),
        last_at=number(row, "last_at"),
        complete_to=number(row, "complete_to"),
        entries=number(row, "entries"),
        gaps=number(row, "gaps"),
        silent=flag(row, "silent"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """State of one establishment for one module."""

    employer: str
    establishment: str
    state: str
    reference: str
    demonstration: bool


def read_gate(row: Mapping[str, object]) -> GateRow:
    """Read one row of `gate`."""
    return GateRow(
        employer=text(row, "employer"),
        establishment=text(row, "establishment"),
        state=text(row, "state"),
        reference=text(row, "reference"),
        demonstration=flag(row, "demonstration"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """Accesses of one controller by coverage class."""

    controller: str
    coverage: str
    accesses: int


def read_coverage(rows: Iterable[Mapping[str, object]]) -> tuple[CoverageRow, ...]:
    """Read `coverage`, whose rows repeat the accesses of a class per verdict."""
    found: dict[tuple[str, str], int] = {}
    for row in rows:
        found[text(row, "controller"), text(row, "coverage")] = number(row, "accesses")
    return tuple(
        CoverageRow(controller=controller, coverage=coverage, accesses=count)
        for (controller, coverage), count in found.items()
    )


def instant(at: int) -> str | None:
    """RFC 3339 in UTC for the API; None when absent."""
    return to_rfc3339(Micros(at)) if at > 0 else None
