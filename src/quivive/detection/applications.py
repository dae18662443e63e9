"""Per application: how well its records can be told, how its agents are named, and the cheapest thing to change.

Built from `coverage_by_application` and `attribution_by_application` for `quivive coverage` and `quivive doctor
attribution`. Pure. Must never hold an agent or a record; an account only when it is declared as an application's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from quivive.model.access import Action, AttributionSource, CoverageClass
from quivive.model.catalogue import Catalogue
from quivive.model.hint import CoverageHint, hint_of

ATTRIBUTED_MIN_PERMILLE: Final = 995
"""Law reference T-02: below that share of statements with an agent, a source's attribution is a finding."""


class AttributionFix(StrEnum):
    """The cheapest way to name the agent behind an application's statements; NONE when they are named."""

    NONE = ""
    SET_AT_CHECKOUT = "set_at_checkout"
    VARIABLE_NOT_COMMENT = "variable_not_comment"
    DECLARE_ACCOUNT = "declare_account"
    SDK_OR_SET_CONFIG = "sdk_or_set_config"
    AGENT_FIELD = "agent_field"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """`program` "" when it does not name itself; `account` a declared service account, else "".

    `statements` and `rows` by coverage class.
    """

    program: str
    account: str
    statements: Mapping[str, int]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntoldStatement:
    """One shape whose rows cannot be told, and what would change that."""

    program: str
    account: str
    shape: str
    tables: tuple[str, ...]
    action: str
    coverage: str
    statements: int
    rows: int
    hint: CoverageHint


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCoverage:
    """Of one source and period: applications with the most rows first, statements with the most untold rows first."""

    source: str
    applications: tuple[Application, ...]
    worst: tuple[UntoldStatement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """How the statements of one application name their agent. `means` in statements, `none` among them."""

    source: str
    program: str
    account: str
    statements: int
    permille: int
    means: Mapping[str, int]
    fix: AttributionFix


def application_coverage(
    source: str,
    rows: Iterable[Mapping[str, Any]],
    *,
    catalogue: Catalogue,
    accounts: Mapping[str, str],
    on_the_wire: bool,
) -> ApplicationCoverage:
    """Read `coverage_by_application`. `accounts`: names of declared service accounts by pseudonym."""
    found: dict[tuple[str, str], tuple[Counter[str], Counter[str]]] = {}
    worst = []
    for row in rows:
        account = accounts.get(str(row["account"]), "")
        if row["section"] == "class":
            of = found.setdefault((str(row["program"]), account), (Counter(), Counter()))
            of[0][str(row["coverage"])] += int(row["statements"])
            of[1][str(row["coverage"])] += int(row["rows"])
        else:
            worst.append(_untold(row, account, catalogue, on_the_wire=on_the_wire))
    applications = [
        Application(program=program, account=account, statements=dict(statements), rows=dict(shown))
        for (program, account), (statements, shown) in found.items()
    ]
    applications.sort(key=lambda each: (-sum(each.rows.values()), each.program, each.account))
    return ApplicationCoverage(source=source, applications=tuple(applications), worst=tuple(worst))


def _untold(row: Mapping[str, Any], account: str, catalogue: Catalogue, *, on_the_wire: bool) -> UntoldStatement:
    tables = tuple(row["tables"])
    return UntoldStatement(
        program=str(row["program"]),
        account=account,
        shape=str(row["shape"]),
        tables=tables,
        action=str(row["action"]),
        coverage=str(row["coverage"]),
        statements=int(row["statements"]),
        rows=int(row["rows"]),
        hint=coverage_hint(
            coverage=CoverageClass(row["coverage"]),
            action=Action(row["action"]),
            tables=tables,
            rows=int(row["rows"]),
            has_columns=bool(row["has_columns"]),
            catalogue=catalogue,
            on_the_wire=on_the_wire,
        ),
    )


_UNTOLD: Final = frozenset({CoverageClass.COUNT_ONLY, CoverageClass.OPAQUE})


def coverage_hint(
    *,
    coverage: CoverageClass,
    action: Action,
    tables: tuple[str, ...],
    rows: int,
    has_columns: bool,
    catalogue: Catalogue,
    on_the_wire: bool,
) -> CoverageHint:
    """The remedy of `model.hint`, where the records are untold; what no column was known of was not described."""
    if coverage not in _UNTOLD or not on_the_wire:
        return CoverageHint.USE_RELAY if coverage in _UNTOLD else CoverageHint.NONE
    declared = {table.name for table in catalogue.tables} | set(catalogue.not_protected)
    hint = hint_of(coverage, action, tables, declared, passed=rows > 0)
    return CoverageHint.GRANT_USAGE if hint is CoverageHint.SELECT_KEY and not has_columns else hint


def attributed(
    rows: Iterable[Mapping[str, Any]], *, accounts: Mapping[str, str], relays: frozenset[str]
) -> tuple[Attributed, ...]:
    """Read `attribution_by_application`, the most statements without an agent first.

    `relays`: sources on the wire, where the session names the agent; the others carry it in a field of their rows.
    """
    found: dict[tuple[str, str, str], Counter[str]] = {}
    for row in rows:
        place = (str(row["source"]), str(row["program"]), accounts.get(str(row["account"]), ""))
        found.setdefault(place, Counter())[str(row["attribution"])] += int(row["statements"])
    told = [
        Attributed(
            source=source,
            program=program,
            account=account,
            statements=means.total(),
            permille=_named(means),
            means=dict(sorted(means.items())),
            fix=_fix(means, known=bool(account), relay=source in relays),
        )
        for (source, program, account), means in found.items()
    ]
    return tuple(sorted(told, key=lambda each: (-each.means.get(_NOBODY, 0), each.source, each.program, each.account)))


_NOBODY: Final = AttributionSource.NONE.value


def _named(means: Counter[str]) -> int:
    """Thousandths with an agent; one who is not informed yet is withheld, but was named. Rounded down."""
    total = means.total()
    return 1_000 * (total - means[_NOBODY]) // total if total else 1_000


def _fix(means: Counter[str], *, known: bool, relay: bool) -> AttributionFix:
    if _named(means) >= ATTRIBUTED_MIN_PERMILLE:
        return AttributionFix.NONE
    if not relay:
        return AttributionFix.AGENT_FIELD
    if means[AttributionSource.SESSION_VARIABLE]:
        return AttributionFix.SET_AT_CHECKOUT
    if means[AttributionSource.COMMENT]:
        return AttributionFix.VARIABLE_NOT_COMMENT
    return AttributionFix.SDK_OR_SET_CONFIG if known else AttributionFix.DECLARE_ACCOUNT
