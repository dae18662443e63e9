"""*Couverture*: for one company, how its accesses are explained, and what to connect next so that more are.

Registered by `app.create_app`. Must never show an agent, a record or a contact: shares, sources and delays only.
"""

from typing import Any, Final

from litestar import Request, Response, get

from quivive.detection.coverage import CoverageReport, Share, coverage_report
from quivive.model.entry import ActKind
from quivive.model.permission import Permission
from quivive.model.verdict import Verdict
from quivive.web.charts import Part, share_bar
from quivive.web.filters import read_filters
from quivive.web.guards import requires
from quivive.web.i18n import Texts
from quivive.web.pages import page, texts_of
from quivive.web.reading import Period, Purpose, controllers_of, reader_for

_SHARES: Final = ("strong", "medium", "weak", "unexplained", "unknown", "pending")
_PERIODS: Final = (Period.DAY, Period.WEEK, Period.MONTH)


def share_code(share: Share) -> str:
    """The part of the bar a share belongs to: the strength of what is explained, else the verdict."""
    return share.strength if share.verdict == Verdict.EXPLAINED else share.verdict


def parts_of(report: CoverageReport, texts: Texts) -> list[Part]:
    """Shares in their fixed order, with figures."""
    counted = dict.fromkeys(_SHARES, 0)
    for share in report.shares:
        if share_code(share) in counted:
            counted[share_code(share)] += share.exposures
    total = sum(counted.values()) or 1
    return [
        Part(code=code, label=texts.say(f"share.{code}"), count=count, figure=texts.percent(round(count / total, 3)))
        for code, count in counted.items()
    ]


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
    report = coverage_report(controller, rows)
    parts = parts_of(report, texts)
    await reader.record(ActKind.VIEW_COVERAGE, object_id=controller, count=len(rows))
    return page(
        request,
        "coverage.html",
        filters=filters.with_value("controller", controller),
        controllers=controllers_of(reader.services, reader.principal),
        periods=_PERIODS,
        parts=parts,
        chart=share_bar(parts, title=texts.say("coverage.shares")),
        report=report,
        details=sorted(report.shares, key=lambda share: (-share.exposures, share.template, share.cause)),
        share_code=share_code,
    )
