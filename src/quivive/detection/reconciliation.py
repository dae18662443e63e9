"""Two sources of one database compared: what only one of them tells, and by how much their clocks differ.

Built from the rows of `reconcile` and `reconcile_skew` for `quivive reconcile`. Pure. Must never hold an agent, a
record or a statement: hours, tables and counts only; sentences are made elsewhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from quivive.model.clock import HOUR_US, SECOND_US

TOLERANCE_US: Final = 2 * SECOND_US
"""By how much two tellings of one statement may differ, beyond the skew of the clocks."""
CURSOR_US: Final = 600 * SECOND_US
"""How long after its declaration a cursor is still fetched from."""
MIN_SKEW_PAIRS: Final = 5
"""Records told once by each source from which a skew is known; below it the clocks are taken as equal."""
SKEW_FOUND_MS: Final = 1_000


class Divergence(StrEnum):
    """What a comparison finds."""

    BYPASS = "bypass"
    RELAY_GAP = "relay_gap"
    RELAY_ONLY = "relay_only"
    LOG_GAP = "log_gap"
    CLOCK_SKEW = "clock_skew"


_OF_STANDING: Final = {
    "second_only": Divergence.BYPASS,
    "second_in_gap": Divergence.RELAY_GAP,
    "first_only": Divergence.RELAY_ONLY,
    "first_in_gap": Divergence.LOG_GAP,
}
_SHOWN_FIRST: Final = tuple(Divergence)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedHour:
    """One hour. `matched_permille`: of all that both should have told, what both did."""

    at: int
    first: int
    second: int
    bypass: int
    relay_only: int
    in_gaps: int
    matched_permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyOne:
    """Statements that one source alone tells, by what they touch."""

    tables: tuple[str, ...]
    action: str
    statements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareFinding:
    """`statements` 0 for a skew. `from_at`, `to_at`: the hours in which it was seen."""

    code: Divergence
    statements: int
    from_at: int
    to_at: int
    touched: tuple[OnlyOne, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Of one controller and period. `skew_pairs` 0: nothing to measure the clocks by."""

    first: str
    second: str
    from_at: int
    to_at: int
    first_statements: int
    second_statements: int
    not_expected: int
    matched_permille: int
    skew_ms: int
    skew_pairs: int
    findings: tuple[CompareFinding, ...]
    hours: tuple[ComparedHour, ...]


def known_skew(rows: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Skew in microseconds and the pairs it rests on; (0, pairs) when they are too few."""
    pairs, median = 0, 0
    for row in rows:
        pairs, median = int(row["pairs"]), int(row["median_us"])
    return (median if pairs >= MIN_SKEW_PAIRS else 0), pairs


def reconciliation(
    first: str, second: str, rows: Iterable[Mapping[str, Any]], *, skew_us: int, pairs: int, from_at: int, to_at: int
) -> Reconciliation:
    """Read what `reconcile` counted into findings, worst first."""
    rows = list(rows)
    hourly = [row for row in rows if row["section"] == "hour"]
    hours = tuple(_hour(row) for row in hourly)
    skew_ms = round(skew_us / 1_000)
    findings = [
        finding
        for standing, code in _OF_STANDING.items()
        if (finding := _finding(code, standing, rows, hourly)) is not None
    ]
    if abs(skew_ms) >= SKEW_FOUND_MS:
        findings.append(CompareFinding(code=Divergence.CLOCK_SKEW, statements=0, from_at=from_at, to_at=to_at))
    total: Counter[str] = Counter()
    for row in hourly:
        total.update({name: int(row[name]) for name in _COUNTED})
    return Reconciliation(
        first=first,
        second=second,
        from_at=from_at,
        to_at=to_at,
        first_statements=total["firsts"],
        second_statements=total["seconds"],
        not_expected=total["not_expected"],
        matched_permille=_matched(total),
        skew_ms=skew_ms,
        skew_pairs=pairs,
        findings=tuple(sorted(findings, key=lambda finding: _SHOWN_FIRST.index(finding.code))),
        hours=hours,
    )


_COUNTED: Final = ("firsts", "seconds", "second_only", "second_in_gap", "first_only", "first_in_gap", "not_expected")


def _matched(counts: Mapping[str, Any]) -> int:
    """Thousandths of the statements that both should tell which both tell; all of them when there are none.

    Rounded down: one statement missing of a million is never a thousand of a thousand.
    """
    alone = sum(int(counts[name]) for name in _OF_STANDING)
    both = max(int(counts["firsts"]) - int(counts["first_only"]) - int(counts["first_in_gap"]), 0)
    both -= min(both, int(counts["not_expected"]))
    return 1_000 * both // (both + alone) if both + alone else 1_000


def _hour(row: Mapping[str, Any]) -> ComparedHour:
    return ComparedHour(
        at=int(row["hour_at"]),
        first=int(row["firsts"]),
        second=int(row["seconds"]),
        bypass=int(row["second_only"]),
        relay_only=int(row["first_only"]),
        in_gaps=int(row["second_in_gap"]) + int(row["first_in_gap"]),
        matched_permille=_matched(row),
    )


def _finding(
    code: Divergence, standing: str, rows: list[Mapping[str, Any]], hourly: list[Mapping[str, Any]]
) -> CompareFinding | None:
    seen = [int(row["hour_at"]) for row in hourly if int(row[standing])]
    if not seen:
        return None
    touched = [
        OnlyOne(tables=tuple(row["tables"]), action=str(row["action"]), statements=int(row["statements"]))
        for row in rows
        if row["section"] == "only" and row["standing"] == standing
    ]
    return CompareFinding(
        code=code,
        statements=sum(int(row[standing]) for row in hourly),
        from_at=min(seen),
        to_at=max(seen) + HOUR_US,
        touched=tuple(sorted(touched, key=lambda each: (-each.statements, each.tables, each.action))),
    )
