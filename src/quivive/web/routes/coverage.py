"""*Couverture*: for one company, how its accesses are explained, and what to connect next so that more are.

Registered by `app.create_app`. Must never show an agent, a record or a contact: shares, sources and delays only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get

from quivive.model.entry import ActKind
from quivive.model.permission import Permission
from quivive.model.verdict import Strength, Verdict
from quivive.web.charts import Part, share_bar
from quivive.web.filters import read_filters
from quivive.web.guards import requires
from quivive.web.i18n import Texts
from quivive.web.pages import page, texts_of
from quivive.web.reading import Period, Purpose, controllers_of, reader_for
from quivive.web.rows import number, text

_SHARES: Final = ("strong", "medium", "weak", "unexplained", "unknown", "pending")
_PERIODS: Final = (Period.DAY, Period.WEEK, Period.MONTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateShare:
    """Exposures explained by one template, or left without a verdict for one cause."""

    code: str
    verdict: str
    strength: str
    template: str
    cause: str
    exposures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One thing to connect or repair, and how many exposures it would explain better."""

    code: str
    source: str
    exposures: int
    figure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long a source takes from an access to the reason it brings; seconds. 0 = nothing measured."""

    source: str
    explained: int
    median_s: int
    p90_s: int
    complete_to: int
    skew_ms: int


def share_code(row: Mapping[str, object]) -> str:
    """The share a row belongs to: the strength of what is explained, else the verdict."""
    verdict, strength = text(row, "verdict"), text(row, "strength")
    if verdict == Verdict.EXPLAINED:
        return strength if strength != Strength.NONE else "weak"
    return verdict


def parts_of(rows: list[dict[str, object]], texts: Texts) -> list[Part]:
    """Shares in their fixed order, with figures."""
    counted = dict.fromkeys(_SHARES, 0)
    for row in rows:
        if share_code(row) in counted:
            counted[share_code(row)] += number(row, "exposures")
    total = sum(counted.values()) or 1
    return [
        Part(code=code, label=texts.say(f"share.{code}"), count=count, figure=texts.percent(round(count / total, 3)))
        for code, count in counted.items()
    ]


def _details(rows: list[dict[str, object]]) -> list[TemplateShare]:
    found = [
        TemplateShare(
            code=share_code(row),
            verdict=text(row, "verdict"),
            strength=text(row, "strength"),
            template=text(row, "template"),
            cause=text(row, "cause"),
            exposures=number(row, "exposures"),
        )
        for row in rows
    ]
    return sorted(found, key=lambda share: (-share.exposures, share.code, share.template, share.cause))


@get("/coverage", opt=requires(Permission.CONTROLLER_COVERAGE_READ), include_in_schema=False)
async def coverage(request: Request[Any, Any, Any]) -> Response[str]:
    """The report of one company; the first of the reader's when none is chosen."""
    asked = dict(request.query_params)
    asked.setdefault("period", str(Period.WEEK))
    filters, texts = read_filters(asked), texts_of(request)
    base = await reader_for(request, Purpose.COVERAGE_REVIEW)
    controller = filters.controller_asked or next(iter(base.controllers), "")
    reader = await reader_for(request, Purpose.COVERAGE_REVIEW, controller=controller, period=filters.period)
    rows = await reader.raw("coverage_reasons")
    sections = {name: [row for row in rows if text(row, "section") == name] for name in ("share", "fix", "source")}
    parts = parts_of(sections["share"], texts)
    total = sum(part.count for part in parts) or 1
    await reader.record(ActKind.VIEW_COVERAGE, object_id=controller, count=len(rows))
    return page(
        request,
        "coverage.html",
        filters=filters.with_value("controller", controller),
        controllers=controllers_of(reader.services, reader.principal),
        periods=_PERIODS,
        parts=parts,
        chart=share_bar(parts, title=texts.say("coverage.shares")),
        details=_details(sections["share"]),
        fixes=[
            Fix(
                code=text(row, "code"),
                source=text(row, "source"),
                exposures=number(row, "exposures"),
                figure=texts.percent(round(number(row, "exposures") / total, 3)),
            )
            for row in sections["fix"]
        ],
        delays=[
            Delay(
                source=text(row, "source"),
                explained=number(row, "explained"),
                median_s=number(row, "median_s"),
                p90_s=number(row, "p90_s"),
                complete_to=number(row, "complete_to"),
                skew_ms=number(row, "skew_ms"),
            )
            for row in sections["source"]
        ],
    )
