"""The coverage report of a controller: how its accesses are explained, and what to connect or repair next.

Built from the rows of the query `coverage_reasons` for `quivive coverage-report`; the console shows the same rows.
Pure. Must never hold an agent, a record or a contact: shares, sources and delays only; sentences are made elsewhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from quivive.model.verdict import Verdict

SKEW_ALARM_MS: Final = 5_000
"""A clock further off than this is an incident (detection reference §5)."""


class FixCode(StrEnum):
    """What stands between an access and a better reason."""

    CALLS_WITHOUT_CUSTOMER = "calls_without_customer"
    IDENTITY_SHARED = "identity_shared"
    TICKETS_WITHOUT_CUSTOMER = "tickets_without_customer"
    WORK_WITHOUT_CUSTOMER = "work_without_customer"
    TICKETS_WITHOUT_LAST_WORK = "tickets_without_last_work"
    REVIEWS_WITHOUT_EVALUATION = "reviews_without_evaluation"
    SELF_MADE = "self_made"
    ACCESSES_UNATTRIBUTED = "accesses_unattributed"
    AGENTS_NOT_INFORMED = "agents_not_informed"
    RUNS_NOT_DECLARED = "runs_not_declared"
    SOURCE_SILENT = "source_silent"
    RECORDS_NOT_TOLD = "records_not_told"
    TABLE_UNMAPPED = "table_unmapped"
    CLOCK_SKEW = "clock_skew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Exposures with one verdict, in thousandths of all."""

    verdict: str
    strength: str
    template: str
    cause: str
    exposures: int
    permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One thing to do. `permille`: of all exposures, those that would be explained better. `detail`: queue or table."""

    code: FixCode
    source: str
    detail: str
    exposures: int
    permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDelay:
    """From an access to the strong or medium reason that a source brings, and how the source is."""

    source: str
    explained: int
    median_s: int
    p95_s: int
    complete_to: int
    silent: bool
    skew_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    """Of one controller and period. `fixes` by what they would gain, the most first."""

    controller: str
    exposures: int
    strengths: Mapping[str, int]
    shares: tuple[Share, ...]
    fixes: tuple[Fix, ...]
    sources: tuple[SourceDelay, ...]


def coverage_report(controller: str, rows: Iterable[Mapping[str, Any]]) -> CoverageReport:
    """Rank what `coverage_reasons` counted. `strengths` in thousandths: strong, medium, weak, unexplained…."""
    own = [row for row in rows if row["controller"] == controller]
    counted = [row for row in own if row["section"] == "share"]
    total = sum(int(row["exposures"]) for row in counted)
    strengths: Counter[str] = Counter()
    for row in counted:
        explained = row["verdict"] == Verdict.EXPLAINED
        strengths[str(row["strength"] if explained else row["verdict"])] += int(row["exposures"])
    sources = tuple(_delay(row) for row in own if row["section"] == "source")
    fixes = [_fix(row, total) for row in own if row["section"] == "fix"]
    fixes += [
        Fix(code=FixCode.CLOCK_SKEW, source=each.source, detail="", exposures=0, permille=0)
        for each in sources
        if abs(each.skew_ms) > SKEW_ALARM_MS
    ]
    return CoverageReport(
        controller=controller,
        exposures=total,
        strengths={name: _permille(number, total) for name, number in sorted(strengths.items())},
        shares=tuple(_share(row, total) for row in counted),
        fixes=tuple(sorted(fixes, key=lambda fix: (-fix.exposures, fix.code, fix.source, fix.detail))),
        sources=sources,
    )


def _permille(part: int, total: int) -> int:
    return round(1_000 * part / total) if total else 0


def _share(row: Mapping[str, Any], total: int) -> Share:
    return Share(
        verdict=str(row["verdict"]),
        strength=str(row["strength"]),
        template=str(row["template"]),
        cause=str(row["cause"]),
        exposures=int(row["exposures"]),
        permille=_permille(int(row["exposures"]), total),
    )


def _fix(row: Mapping[str, Any], total: int) -> Fix:
    return Fix(
        code=FixCode(row["code"]),
        source=str(row["source"]),
        detail=str(row["detail"]),
        exposures=int(row["exposures"]),
        permille=_permille(int(row["exposures"]), total),
    )


def _delay(row: Mapping[str, Any]) -> SourceDelay:
    return SourceDelay(
        source=str(row["source"]),
        explained=int(row["explained"]),
        median_s=int(row["median_s"]),
        p95_s=int(row["p95_s"]),
        complete_to=int(row["complete_to"]),
        silent=bool(row["silent"]),
        skew_ms=int(row["skew_ms"]),
    )
