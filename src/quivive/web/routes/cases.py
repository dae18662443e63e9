"""Cases: the list, one case with its sheet, every step as a form, the name behind the code under two persons.

Registered by `app.create_app`. Must never decide: `cases.office` judges every deed. Must never show a name without the
act that says who saw it, nor what people wrote to a role that may not read cases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.cases.admissibility import SheetLine
from quivive.cases.office import CaseOffice, Opening, Papers
from quivive.cases.reader import ToldCase, event_of, read_case
from quivive.cases.steps import ROLES, TEXT_NEEDED, Actor
from quivive.model.approval import ApprovalAct
from quivive.model.case import (
    CaseOrigin,
    CaseOutcome,
    CaseStage,
    Check,
    ClearingFinding,
    ClearingMeans,
    ExhibitSide,
    HearingResult,
    Opinion,
    StepKind,
)
from quivive.model.clock import DAY_US, SECOND_US
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.web.guards import requires, services_of
from quivive.web.i18n import Texts
from quivive.web.pages import page, pages_of
from quivive.web.reading import Period, Purpose, Reader, reader_for

OFFERED: Final[dict[CaseStage, tuple[StepKind, ...]]] = {
    CaseStage.OPEN: (StepKind.PRESERVE,),
    CaseStage.PRESERVED: (StepKind.EXHIBIT, StepKind.CLEAR, StepKind.PRESERVE),
    CaseStage.CLEARING: (StepKind.HEARING_CALL, StepKind.CLEAR, StepKind.EXHIBIT, StepKind.PROPOSE, StepKind.PRESERVE),
    CaseStage.HEARING: (StepKind.HEARING, StepKind.CLEAR, StepKind.EXHIBIT, StepKind.PROPOSE, StepKind.PRESERVE),
    CaseStage.PROPOSED: (StepKind.OPINION, StepKind.SECOND_KEY, StepKind.WITHHOLD, StepKind.EXHIBIT),
    CaseStage.DECIDED: (StepKind.CLOSE, StepKind.OVERRIDE, StepKind.EXHIBIT),
    CaseStage.CLOSED: (),
}
"""Forms shown at each stage, the likeliest first; the judge has the last word. The hand-over has its own form."""
_FIELDS: Final = ("object", "side", "means", "finding", "result", "outcome", "opinion", "check")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExhibitRow:
    """One exhibit as the page lists it."""

    shard: str
    index: int
    at: int
    tables: str
    action: str
    rows: int
    access: str
    side: str


def _office(request: Request[Any, Any, Any]) -> CaseOffice:
    office = services_of(request).cases
    if office is None:
        raise RefusedError("rebuilding")
    return office


def actor_of(reader: Reader) -> Actor:
    """Who takes the step."""
    return Actor(principal=reader.principal.id, roles=frozenset(reader.principal.roles))


async def _reader(request: Request[Any, Any, Any]) -> Reader:
    return await reader_for(request, Purpose.CASE, period=Period.YEAR)


@get("/cases", opt=requires(Permission.CONTROLLER_CASES_READ), include_in_schema=False)
async def cases(request: Request[Any, Any, Any]) -> Response[str]:
    """The list, open ones first, and the form of a case that begins without an alert."""
    reader = await _reader(request)
    told = [read_case(row) for row in await reader.raw("cases")]
    await reader.record(ActKind.VIEW_CASES, object_id="", count=len(told))
    return page(
        request,
        "cases.html",
        running=[each for each in told if each.view.stage is not CaseStage.CLOSED],
        closed=[each for each in told if each.view.stage is CaseStage.CLOSED],
        origins=(CaseOrigin.COMPLAINT, CaseOrigin.VICTIM_LIST),
        today=written(reader, reader.services.clock()),
        own_controllers=[facts for facts in reader.services.controllers if facts.id in reader.controllers],
    )


@post("/cases", opt=requires(Permission.CONTROLLER_CASES_WRITE), include_in_schema=False, status_code=303)
async def open_case(request: Request[Any, Any, Any]) -> Response[Any]:
    """Open a case from an alert, a complaint or a list of victims."""
    form, reader = await request.form(), await _reader(request)
    now, alert = reader.services.clock(), str(form.get("alert", ""))
    origin = CaseOrigin.ALERT if alert else _member(CaseOrigin, form.get("origin"))
    opening = Opening(
        origin=origin,
        controller=str(form.get("controller", "")),
        alert=alert,
        known_at=min(now, _instant(reader, form.get("known_at"))),
        from_at=now,
        to_at=now,
        text=str(form.get("text", "")),
    )
    case = await _office(request).open(opening, actor_of(reader), reader.controllers)
    await reader.record(ActKind.OPEN_CASE, object_id=case, count=1)
    return Redirect(f"/cases/{case}", status_code=303)


@get("/cases/{identifier:str}", opt=requires(Permission.CONTROLLER_CASES_READ), include_in_schema=False)
async def case(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """One case: where it stands, the eight checks, what was done, exhibits, and what may be done next."""
    reader, office = await _reader(request), _office(request)
    told = await office.told(identifier, reader.controllers)
    await reader.record(ActKind.VIEW_CASE, object_id=identifier, count=1)
    view, actor = told.view, actor_of(reader)
    name = await office.name(identifier, reader.controllers, actor)
    if name is not None:
        await reader.record(ActKind.VIEW_UNMASKED, object_id=identifier, count=1)
    now = reader.services.clock()
    return page(
        request,
        "case.html",
        told=told,
        view=view,
        sheet=await office.sheet(view),
        words=await office.words(view),
        exhibits=_exhibits(told, await office.exhibits(view)),
        approvals=await office.approvals(view),
        resolutions=await office.approvals(view, ApprovalAct.RESOLVE),
        name=name,
        offered=[kind for kind in OFFERED[view.stage] if ROLES[kind] & actor.roles],
        text_needed=TEXT_NEEDED,
        choices=_CHOICES,
        soon=written(reader, now + 7 * DAY_US),
        quarter=written(reader, now + 90 * DAY_US),
        me=reader.principal.id,
        may_hand_over=bool(ROLES[StepKind.HAND_OVER] & actor.roles)
        and view.stage in (CaseStage.DECIDED, CaseStage.CLOSED),
    )


@post("/cases/{identifier:str}/steps", opt=requires(Permission.CONTROLLER_CASES_WRITE), include_in_schema=False,
      status_code=303)  # fmt: skip
async def take_step(request: Request[Any, Any, Any], identifier: str) -> Response[Any]:
    """Take one step."""
    form, reader = await request.form(), await _reader(request)
    kind = _member(StepKind, form.get("step_kind"))
    fields: dict[str, Any] = {name: str(form.get(name, "")) for name in _FIELDS if form.get(name)}
    if form.get("until"):
        fields["until_at"] = _instant(reader, form.get("until")) + DAY_US - SECOND_US
    await _office(request).step(
        identifier, reader.controllers, actor_of(reader), kind, str(form.get("text", "")), **fields
    )
    await reader.record(ActKind.STEP_CASE, object_id=identifier, count=1)
    return Redirect(f"/cases/{identifier}", status_code=303)


@post("/cases/{identifier:str}/hand-over", opt=requires(Permission.CONTROLLER_CASES_WRITE), include_in_schema=False,
      status_code=200)  # fmt: skip
async def hand_over(request: Request[Any, Any, Any], identifier: str) -> Response[bytes]:
    """Download the bundle, sealed to the key that was given."""
    form, reader = await request.form(), await _reader(request)
    papers = _papers(pages_of(request).texts)
    sealed = await _office(request).hand_over(
        identifier, reader.controllers, actor_of(reader), str(form.get("recipient", "")), papers
    )
    await reader.record(ActKind.HAND_OVER_CASE, object_id=identifier, count=1)
    headers = {"Content-Disposition": f'attachment; filename="quivive-case-{identifier[:8]}.zip.age"'}
    return Response(sealed, media_type="application/octet-stream", headers=headers)


def _papers(languages: Mapping[str, Texts]) -> Papers:
    """The sheet as a page of plain text, in every language."""

    def write(told: ToldCase, sheet: Sequence[SheetLine]) -> dict[str, str]:
        found = {}
        for language, texts in languages.items():
            lines = [texts.say("case.sheet"), "", texts.say("case.sheet_text"), ""]
            for line in sheet:
                dated = texts.day(line.dated_at) if line.dated_at else "–"
                stated = texts.say(f"case_check_state.{line.state}")
                told_line = (texts.say(f"case_check.{line.check}"), stated, dated, line.reference)
                lines.append(" · ".join(part for part in told_line if part))
            lines += ["", texts.say("case.bundle_check"), "", told.agent_code]
            found[f"sheet-{language}.txt"] = "\n".join(lines) + "\n"
        return found

    return write


async def _two_persons(request: Request[Any, Any, Any], identifier: str, act: ApprovalAct) -> Response[Any]:
    """Ask for what needs two persons, or grant or refuse somebody else's request."""
    form, reader = await request.form(), await _reader(request)
    office, actor = _office(request), actor_of(reader)
    asking, deciding, place = _TWO_PERSONS[act]
    if approval := str(form.get("approval", "")):
        granted = form.get("decision") == "grant"
        await office.decide(identifier, reader.controllers, actor, approval, granted=granted, act=act)
        await reader.record(deciding, object_id=identifier, count=int(granted))
    else:
        await office.ask(identifier, reader.controllers, actor, str(form.get("text", "")), act)
        await reader.record(asking, object_id=identifier, count=1)
    return Redirect(f"/cases/{identifier}#{place}", status_code=303)


_TWO_PERSONS: Final = {
    ApprovalAct.UNMASK: (ActKind.REQUEST_UNMASK, ActKind.DECIDE_UNMASK, "name"),
    ApprovalAct.RESOLVE: (ActKind.REQUEST_RESOLVE, ActKind.DECIDE_RESOLVE, "records"),
}


@post("/cases/{identifier:str}/name", opt=requires(Permission.CONTROLLER_UNMASK), include_in_schema=False,
      status_code=303)  # fmt: skip
async def name(request: Request[Any, Any, Any], identifier: str) -> Response[Any]:
    """Ask for the name behind the code, or grant or refuse somebody else's request."""
    return await _two_persons(request, identifier, ApprovalAct.UNMASK)


@post("/cases/{identifier:str}/records", opt=requires(Permission.CONTROLLER_CASES_WRITE), include_in_schema=False,
      status_code=303)  # fmt: skip
async def records(request: Request[Any, Any, Any], identifier: str) -> Response[Any]:
    """Ask that the affected records be listed for the company, or grant or refuse it; `quivive resolve` does it."""
    return await _two_persons(request, identifier, ApprovalAct.RESOLVE)


_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "side": tuple(ExhibitSide),
    "means": tuple(ClearingMeans),
    "finding": tuple(ClearingFinding),
    "result": tuple(HearingResult),
    "outcome": tuple(each for each in CaseOutcome if each is not CaseOutcome.NONE),
    "opinion": tuple(Opinion),
    "check": tuple(Check),
}


def _exhibits(told: ToldCase, exhibits: list[dict[str, Any]]) -> list[ExhibitRow]:
    sides = {step.object: step.side for step in told.view.of(StepKind.EXHIBIT)}
    rows = []
    for exhibit in exhibits:
        entry = event_of(exhibit)
        place = f"{exhibit['shard']}/{exhibit['index']}"
        rows.append(
            ExhibitRow(
                shard=str(exhibit["shard"]),
                index=int(exhibit["index"]),
                at=entry.captured_at,
                tables=", ".join(str(each).removeprefix("public.") for each in entry.body.get("tables", ())),
                action=str(entry.body.get("action", "")),
                rows=int(entry.body.get("rows", 0)),
                access=place,
                side=sides.get(place, ""),
            )
        )
    return rows


def _member(enum: Any, value: object) -> Any:
    try:
        return enum(str(value or ""))
    except ValueError:
        raise RefusedError("case_field", enum.__name__) from None


def _instant(reader: Reader, value: object) -> int:
    """Midnight of a written day (`yyyy-mm-dd`) in the site's time zone."""
    try:
        day = datetime.strptime(str(value or ""), "%Y-%m-%d").replace(tzinfo=ZoneInfo(reader.services.timezone))
    except ValueError:
        raise RefusedError("case_field", "day") from None
    return int(day.astimezone(UTC).timestamp()) * SECOND_US


def written(reader: Reader, at: int) -> str:
    """A day as a form writes it, in the site's time zone."""
    moment = datetime.fromtimestamp(at // SECOND_US, tz=ZoneInfo(reader.services.timezone))
    return moment.strftime("%Y-%m-%d")
