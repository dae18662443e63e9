"""*Écoutes et enregistrements*: the register: campaigns, periods, notices, what went against them, what was removed.

Registered by `app.create_app`. Counts of agents, never who. Must never announce what its proposer alone wants, and
never show an access, a trace or a sound.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.response import Redirect

from quivive.model.clock import SECOND_US
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission, Role
from quivive.model.recording import Medium, NonconformityKind
from quivive.model.recording import Purpose as RecordingPurpose
from quivive.model.recording_register import CampaignBody, CampaignState, LegalBasis, Payment, Trigger
from quivive.model.recording_register import Period as AnnouncedPeriod
from quivive.recordings.desk import Desk
from quivive.recordings.draft import WEEKDAYS
from quivive.recordings.limits import limits
from quivive.recordings.notices import Progress
from quivive.recordings.rules import judge
from quivive.rows import FieldError
from quivive.web import notice_texts, recording_sentences
from quivive.web.guards import requires, services_of
from quivive.web.i18n import Texts
from quivive.web.pages import page, texts_of
from quivive.web.reading import Period, Purpose, Reader, controllers_of, reader_for
from quivive.web.recording_charts import DAYS, Line, period_calendar
from quivive.web.rows import number, text
from quivive.web.services import Services

PATH: Final = "/recordings/campaigns"
MAX_WRITTEN: Final = 50
"""Versions, non-conformities or certificates on the page, newest first; the commands list all."""
MAX_FIELD: Final = 2_000
_LISTS: Final = ("sites", "teams", "queues", "listeners")
_NUMBERS: Final = ("cap_month", "retention_days", "analysis_days", "lead_days")
_TEXTS: Final = (
    "campaign", "controller", "purpose", "basis", "legal_text", "necessity", "trigger", "from", "to", "announcement",
    "payment",
)  # fmt: skip


def desk_of(services: Services) -> Desk:
    """The desk of this installation.

    Raises:
        RefusedError: `not_found`: there is none.
    """
    if services.desk is None:
        raise RefusedError("not_found")
    return services.desk


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """One version with what a reader needs: sentences of refusals with their clause, counts of notices."""

    body: CampaignBody
    progress: Progress | None
    refusals: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    next: AnnouncedPeriod | None
    hours: int


def _view(desk: Desk, texts: Texts, body: CampaignBody, now: int) -> CampaignView:
    counted = body.state in {CampaignState.PROPOSED, CampaignState.ANNOUNCED}
    warned = judge(body, limits(), now).warnings if body.state is CampaignState.PROPOSED else ()
    return CampaignView(
        body=body,
        progress=desk.progress(body) if counted else None,
        refusals=tuple(
            (recording_sentences.clause(each), recording_sentences.refusal(texts, each)) for each in body.refusals
        ),
        warnings=tuple(recording_sentences.warning(texts, each) for each in warned),
        next=next((each for each in body.periods if each.to_at > now), None),
        hours=sum(each.to_at - each.from_at for each in body.periods) // (3_600 * SECOND_US),
    )


def _over(body: CampaignBody, now: int) -> bool:
    ended = body.state is CampaignState.ENDED
    return ended or (body.state is CampaignState.ANNOUNCED and body.to_at <= now)


async def _reader(request: Request[Any, Any, Any], controller: str = "") -> Reader:
    return await reader_for(request, Purpose.RECORDINGS, controller=controller, period=Period.YEAR)


def _midnight(texts: Texts, now: int) -> int:
    day = datetime.fromtimestamp(now // SECOND_US, texts.zone).date()
    return int(datetime.combine(day, time(), texts.zone).timestamp()) * SECOND_US


def _calendar(texts: Texts, running: list[CampaignBody], now: int) -> Any:
    first = _midnight(texts, now)
    begins = datetime.fromtimestamp(first // SECOND_US, texts.zone)
    days = [texts.day_short(int((begins + timedelta(days=day)).timestamp()) * SECOND_US) for day in range(DAYS)]
    lines = [
        Line(
            label=body.campaign[:24],
            stretches=tuple(
                (each.from_at, each.to_at, notice_texts.period(texts, each.from_at, each.to_at))
                for each in body.periods
            ),
        )
        for body in running
    ]
    return period_calendar(lines, from_at=first, days=days, title=texts.say("recordings.calendar"))


@get(PATH, opt=requires(Permission.RECORDINGS_REGISTER_READ), include_in_schema=False)
async def register(request: Request[Any, Any, Any]) -> Response[str]:
    """The register."""
    reader = await _reader(request)
    desk, texts, now = desk_of(reader.services), texts_of(request), reader.services.clock()
    found = desk.register.campaigns(reader.controllers)[:MAX_WRITTEN]
    running = [body for body in desk.register.in_force(reader.controllers) if now < body.to_at]
    against, certificates = await asyncio.gather(
        reader.raw("nonconformities", limit=MAX_WRITTEN), reader.raw("audio_certificates", limit=MAX_WRITTEN)
    )
    await reader.record(ActKind.VIEW_RECORDINGS, object_id="", count=len(found))
    views = [_view(desk, texts, body, now) for body in found]
    horizon = _midnight(texts, now) + DAYS * 86_400 * SECOND_US
    return page(
        request,
        "recordings.html",
        waiting=[view for view in views if view.body.state is CampaignState.PROPOSED],
        running=[view for view in views if view.body in running],
        refused=[view for view in views if view.body.state is CampaignState.REFUSED],
        over=[view for view in views if _over(view.body, now)],
        calendar=_calendar(texts, running, now),
        coming=sorted(
            (each.from_at, each.to_at, body)
            for body in running
            for each in body.periods
            if each.to_at > now and each.from_at < horizon
        )[:MAX_WRITTEN],
        written=lambda begins, ends: notice_texts.period(texts, begins, ends),
        against=[row for row in against if text(row, "nonconformity_kind") in set(NonconformityKind)],
        certificates=certificates,
        number=number,
        text=text,
        proposes=Role.EVALUATOR in reader.principal.roles,
        done=done if (done := request.query_params.get("done", "")) in recording_sentences.DONE else "",
    )


@get(f"{PATH}/new", opt=requires(Permission.RECORDINGS_REGISTER_WRITE), include_in_schema=False)
async def new_campaign(request: Request[Any, Any, Any]) -> Response[str]:
    """An empty form."""
    reader = await _reader(request)
    desk_of(reader.services)
    return _form(request, reader, {}, ())


@post(PATH, opt=requires(Permission.RECORDINGS_REGISTER_WRITE), include_in_schema=False, status_code=303)
async def propose(request: Request[Any, Any, Any]) -> Response[Any]:
    """Propose what the form says; refused by a rule it is kept as such, and the form comes back with the rules."""
    form = await request.form()
    reader = await _reader(request, str(form.get("controller", "")))
    desk, principal = desk_of(reader.services), reader.principal
    role = str(Role.EVALUATOR) if Role.EVALUATOR in principal.roles else principal.role_text
    try:
        found = await desk.propose(_draft(form), principal=principal.id, role=role)
    except FieldError as error:
        where = texts_of(request).say("recordings.unreadable", field=error.field.removeprefix("$."))
        return _form(request, await _reader(request), dict(form), (("", where),), status=422)
    what = f"{found.body.campaign}/{found.body.version}"
    await reader.record(ActKind.PROPOSE_CAMPAIGN, object_id=what, count=1)
    if found.body.refusals:
        texts = texts_of(request)
        told = [
            (recording_sentences.clause(each), recording_sentences.refusal(texts, each)) for each in found.body.refusals
        ]
        return _form(request, await _reader(request), dict(form), tuple(told), status=422)
    return Redirect(f"{PATH}?done=proposed", status_code=303)


@post(
    f"{PATH}/decide", opt=requires(Permission.RECORDINGS_CAMPAIGN_APPROVE), include_in_schema=False, status_code=303
)  # fmt: skip
async def decide(request: Request[Any, Any, Any]) -> Response[Any]:
    """The second person announces, or refuses."""
    form = await request.form()
    reader = await _reader(request)
    desk, body = desk_of(reader.services), _one(reader, form)
    agree = str(form.get("agree", "")) == "yes"
    role = str(Role.DPO) if Role.DPO in reader.principal.roles else reader.principal.role_text
    decided = await desk.decide(
        body.campaign,
        body.version,
        agree=agree,
        principal=reader.principal.id,
        role=role,
        controllers=reader.controllers,
    )
    await reader.record(ActKind.DECIDE_CAMPAIGN, object_id=f"{decided.campaign}/{decided.version}", count=1)
    return Redirect(f"{PATH}?done={'announced' if agree else 'declined'}", status_code=303)


@post(f"{PATH}/end", opt=requires(Permission.RECORDINGS_REGISTER_WRITE), include_in_schema=False, status_code=303)
async def end(request: Request[Any, Any, Any]) -> Response[Any]:
    """End an announced campaign."""
    form = await request.form()
    reader = await _reader(request)
    body = _one(reader, form)
    ended = await desk_of(reader.services).end(body.campaign, principal=reader.principal.id)
    await reader.record(ActKind.END_CAMPAIGN, object_id=f"{ended.campaign}/{ended.version}", count=1)
    return Redirect(f"{PATH}?done=ended", status_code=303)


@post(
    f"{PATH}/close", opt=requires(Permission.RECORDINGS_CAMPAIGN_APPROVE), include_in_schema=False, status_code=303
)  # fmt: skip
async def close(request: Request[Any, Any, Any]) -> Response[Any]:
    """Close a non-conformity, with the reference of what was done about it."""
    form = await request.form()
    reader = await _reader(request)
    desk, name = reader.services.conformity, str(form.get("nonconformity", ""))
    if desk is None:
        raise RefusedError("nonconformity_unknown")
    await reader.record(ActKind.CLOSE_NONCONFORMITY, object_id=name[:32], count=1)
    await asyncio.to_thread(
        desk.close,
        name,
        principal=reader.principal.id,
        controllers=tuple(reader.controllers),
        reference=str(form.get("reference", "")),
    )
    return Redirect(f"{PATH}?done=closed", status_code=303)


def _one(reader: Reader, form: FormMultiDict) -> CampaignBody:
    """The version a form names, inside the scope."""
    version = str(form.get("version", ""))
    body = desk_of(reader.services).register.campaign(
        str(form.get("campaign", "")), int(version) if version.isdigit() and len(version) < 7 else 0
    )
    if body is None or body.controller not in reader.controllers:
        raise RefusedError("campaign_unknown")
    return body


def _draft(form: FormMultiDict) -> dict[str, Any]:
    """A form as the draft it stands for; what is empty is absent, and the rules say what they miss."""
    given = {name: str(form.get(name, ""))[:MAX_FIELD].strip() for name in (*_TEXTS, *_LISTS, *_NUMBERS)}
    value: dict[str, Any] = {name: given[name] for name in _TEXTS if given[name]}
    for name in _LISTS:
        if items := [item.strip() for item in given[name].replace(";", ",").split(",") if item.strip()]:
            value[name] = items
    for name in _NUMBERS:
        if given[name]:
            value[name] = int(given[name]) if given[name].isdigit() and len(given[name]) < 7 else given[name]
    if share := str(form.get("share_percent", "")).strip().replace(",", "."):
        value["share_percent"] = _decimal(share)
    value["media"] = [medium for medium in Medium if form.get(f"medium_{medium}")]
    for name in ("objection", "neutralisation", "outbound_sale"):
        value[name] = bool(form.get(name))
    days = [day for day in WEEKDAYS if form.get(f"day_{day}")]
    begins, ends = str(form.get("begins", "")).strip(), str(form.get("ends", "")).strip()
    if days and value.get("from") and value.get("to"):
        value["periods"] = [{"weekly": days, "from": begins, "to": ends}]
    return value


def _decimal(share: str) -> float | str:
    try:
        return float(share)
    except ValueError:
        return share


def _form(
    request: Request[Any, Any, Any],
    reader: Reader,
    given: dict[str, Any],
    refused: tuple[tuple[str, str], ...],
    *,
    status: int = 200,
) -> Response[str]:
    known = limits()
    usual = {
        "share_percent": known.share_permille / 10,
        "cap_month": known.cap_month,
        "retention_days": known.buffer_days,
        "analysis_days": known.analysis_days,
        "lead_days": known.lead_days,
        "begins": "09:00",
        "ends": "12:00",
    }
    return page(
        request,
        "recordings_new.html",
        status=status,
        given={name: str(value) for name, value in (given or usual).items()},
        fresh=not given,
        refused=refused,
        purposes=list(RecordingPurpose),
        media=list(Medium),
        bases=[basis for basis in LegalBasis if basis is not LegalBasis.NONE],
        triggers=list(Trigger),
        payments=[payment for payment in Payment if payment is not Payment.UNSTATED],
        weekdays=WEEKDAYS,
        limits=known,
        controllers=controllers_of(services_of(request), reader.principal),
        proposes=Role.EVALUATOR in reader.principal.roles,
    )
