"""*Preuves*: what leaves the house: the inspection dossier, a company's evidence, the signed subject report.

Registered by `app.create_app`. Must never answer a file before the act of its export is durable, nor read wider than
the principal's companies.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post

from quivive.model.clock import DAY_US, SECOND_US
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.reports.facts import Period as ReportPeriod
from quivive.reports.office import ReportOffice, Verified
from quivive.reports.subject import compile_subject
from quivive.web.guards import requires, services_of
from quivive.web.pages import page, pages_of, texts_of
from quivive.web.reading import Purpose, Reader, reader_for
from quivive.web.routes.subject import REPORT_ROWS, view_subject

MAX_DAYS: Final = 400
"""Days of one dossier: a year and a month; longer ones are made one after the other."""


def _office(request: Request[Any, Any, Any]) -> ReportOffice:
    office = services_of(request).reports
    if office is None:
        raise RefusedError("rebuilding")
    return office


@get("/evidence", opt=requires(Permission.CONTROLLER_PACK_EXPORT), include_in_schema=False)
async def evidence(request: Request[Any, Any, Any]) -> Response[str]:
    """The forms, and the signed heads as they stand."""
    reader = await reader_for(request, Purpose.EVIDENCE)
    now = reader.services.clock()
    heads = [head for head in await reader.services.heads() if head.controller in (*reader.controllers, "operator")]
    return page(
        request,
        "evidence.html",
        companies=[facts for facts in reader.services.controllers if facts.id in reader.controllers],
        from_day=_written(reader, now - 90 * DAY_US),
        to_day=_written(reader, now),
        heads=heads,
    )


@post(
    "/evidence/dossier", opt=requires(Permission.CONTROLLER_EVIDENCE_EXPORT), include_in_schema=False, status_code=200
)
async def dossier(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The inspection dossier of the chosen companies and period."""
    form = await request.form()
    chosen = [str(each) for each in form.getall("controller", [])]
    reader = await reader_for(request, Purpose.EVIDENCE)
    controllers = tuple(each for each in reader.controllers if each in chosen)
    if not controllers:
        raise RefusedError("controller_unknown")
    period = _period(reader, form)
    verified = await _verify(reader) if form.get("verify") else None
    read = _read(reader, controllers, period)
    made = await _office(request).dossier(read, controllers, period, pages_of(request).texts, verified)
    await reader.record(ActKind.EXPORT, object_id="dossier", count=len(controllers))
    return _file(made, f"quivive-dossier-{_written(reader, period.as_of)}.zip", "application/zip")


@post("/evidence/pack", opt=requires(Permission.CONTROLLER_PACK_EXPORT), include_in_schema=False, status_code=200)
async def pack(request: Request[Any, Any, Any]) -> Response[bytes]:
    """One company's evidence."""
    form = await request.form()
    reader = await reader_for(request, Purpose.EVIDENCE, controller=str(form.get("controller", "")) or "none")
    (controller,), period = reader.controllers, _period(reader, form)
    read = _read(reader, (controller,), period)
    made = await _office(request).evidence(read, controller, period, pages_of(request).texts)
    await reader.record(ActKind.EXPORT, object_id=f"evidence/{controller}", count=1)
    return _file(made, f"quivive-evidence-{controller}-{_written(reader, period.as_of)}.zip", "application/zip")


@post(
    "/subject/{identifier:str}/report-pdf",
    opt=requires(Permission.CONTROLLER_SUBJECT_SEARCH),
    include_in_schema=False,
    status_code=200,
)
async def subject_pdf(request: Request[Any, Any, Any], identifier: str) -> Response[bytes]:
    """The signed subject report, addressed to the controller; agents withheld."""
    view = await view_subject(request, identifier, before=0, limit=REPORT_ROWS)
    office, now = _office(request), services_of(request).clock()
    installation = await office.installation(view.search.controller)
    accesses = [
        {"at": row.at, "action": row.action, "tables": row.table_list, "reason": row.template} for row in view.rows
    ]
    automatic = [
        {"action": each.action, "accesses": each.accesses, "first_at": each.first_at, "last_at": each.last_at}
        for each in view.automatic
    ]
    gaps = [{"source": g.source, "from_at": g.from_at, "to_at": g.to_at, "cause": g.cause} for g in view.gaps]
    period = ReportPeriod(from_at=view.retained_from, to_at=now, as_of=now)
    document = compile_subject(accesses, automatic, gaps, installation, period)
    signed = await office.signed(document, view.search.controller, texts_of(request))
    await view.reader.record(ActKind.EXPORT, object_id=view.search.id, count=len(view.rows))
    return _file(signed, "quivive-consultations.pdf", "application/pdf")


async def _verify(reader: Reader) -> Verified:
    found = await reader.services.story_prove()
    await reader.record(ActKind.VERIFY_LEDGER, object_id="", count=found.entries)
    return Verified(exit_code=found.exit_code, at=reader.services.clock(), entries=found.entries)


def _read(reader: Reader, controllers: tuple[str, ...], period: ReportPeriod) -> Any:
    """Named queries inside the report's own scope."""

    async def read(name: str, **params: object) -> Sequence[Mapping[str, object]]:
        return await reader.services.query(
            name,
            {"as_of": period.as_of, **params},
            controllers=controllers,
            from_at=period.from_at,
            to_at=period.to_at,
            purpose=reader.purpose,
            principal=reader.principal.id,
        )

    return read


def _period(reader: Reader, form: Mapping[str, Any]) -> ReportPeriod:
    """Two written days of the site, both included.

    Raises:
        RefusedError: `period_invalid`.
    """
    zone, now = ZoneInfo(reader.services.timezone), reader.services.clock()
    try:
        days = [datetime.strptime(str(form.get(name, "")), "%Y-%m-%d").replace(tzinfo=zone) for name in ("from", "to")]
    except ValueError:
        raise RefusedError("period_invalid") from None
    from_at, last_at = (int(day.astimezone(UTC).timestamp()) * SECOND_US for day in days)
    to_at = min(last_at + DAY_US, now)
    if not from_at < to_at <= from_at + MAX_DAYS * DAY_US:
        raise RefusedError("period_invalid")
    return ReportPeriod(from_at=from_at, to_at=to_at, as_of=to_at)


def _written(reader: Reader, at: int) -> str:
    moment = datetime.fromtimestamp(at // SECOND_US, tz=ZoneInfo(reader.services.timezone))
    return moment.strftime("%Y-%m-%d")


def _file(data: bytes, name: str, media_type: str) -> Response[bytes]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)
