"""What an agent may know of recordings and listening about the own person, and how notices are acknowledged.

Part of *Mon espace* (`own.own_space` asks `own_part`), the calendar feed and the kiosk. Registered by `app.create_app`.
Must never name who listened (role and reason only), nor show anything about another person.
"""

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.model.clock import DAY_US
from quivive.model.entry import ActBody, ActKind
from quivive.model.errors import RefusedError
from quivive.model.ids import KEY_PATTERN
from quivive.model.permission import Permission
from quivive.model.recording import ListeningKind, ListeningReason
from quivive.model.recording_register import CampaignBody, NoticeChannel
from quivive.recordings.analysis import ReadDocument
from quivive.recordings.calendar import calendar
from quivive.recordings.desk import KIOSK, OWN_SPACE, Desk, OwnCampaign
from quivive.web import notice_texts
from quivive.web.guards import requires, services_of
from quivive.web.pages import page, texts_of
from quivive.web.reading import Period, Purpose, Reader, reader_for
from quivive.web.routes.recordings import desk_of
from quivive.web.routes.signing import Refusals
from quivive.web.rows import number, text
from quivive.web.services import Services

WEEK_US: Final = 7 * DAY_US
MAX_WRITTEN: Final = 100
"""Recordings or listenings shown, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One listening about the agent: kind and reason, the campaign's purpose, how long; who stays a role."""

    at: int
    controller: str
    kind: ListeningKind
    reason: ListeningReason
    purpose: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One recording of the agent. `purpose` "" when no campaign stood behind it."""

    at: int
    controller: str
    purpose: str
    seconds: int
    heard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPart:
    """What the page shows. `week`: announced stretches of the next seven days, in order."""

    campaigns: tuple[OwnCampaign, ...]
    week: tuple[tuple[int, int, OwnCampaign], ...]
    recordings: tuple[RecordedCall, ...]
    heard: tuple[Heard, ...]
    documents: tuple[ReadDocument, ...]


async def own_part(reader: Reader) -> OwnPart | None:
    """Read it, and note what is shown: shown is delivered. None where there is no register."""
    desk = reader.services.desk
    if desk is None:
        return None
    person, now = reader.principal.person, reader.services.clock()
    purposes = {body.campaign: body.purpose for body in reversed(desk.register.campaigns())}
    recordings = await reader.raw("recordings_of", person=person, limit=MAX_WRITTEN)
    heard = await reader.raw("listenings_of", person=person, limit=MAX_WRITTEN)
    await desk.delivered(person, NoticeChannel.CONSOLE, OWN_SPACE)
    await desk.analysis.shown(person)
    mine = tuple(desk.own(person))
    return OwnPart(
        campaigns=mine,
        week=tuple(
            sorted(
                (
                    (each.from_at, each.to_at, campaign)
                    for campaign in mine
                    for each in campaign.body.periods
                    if each.to_at > now and each.from_at < now + WEEK_US
                ),
                key=lambda stretch: stretch[:2],
            )
        ),
        recordings=tuple(_recorded(row, purposes) for row in recordings),
        heard=tuple(_heard(row, purposes) for row in heard),
        documents=tuple(desk.analysis.of_person(person)),
    )


def _recorded(row: dict[str, object], purposes: dict[str, str]) -> RecordedCall:
    begins, ends = number(row, "started_at"), number(row, "ended_at")
    return RecordedCall(
        at=begins or ends,
        controller=text(row, "controller"),
        purpose=purposes.get(text(row, "campaign"), ""),
        seconds=max(0, ends - begins) // 1_000_000 if begins and ends else 0,
        heard=number(row, "heard"),
    )


def _heard(row: dict[str, object], purposes: dict[str, str]) -> Heard:
    milliseconds = number(row, "heard_ms")
    begins, ends = number(row, "started_at"), number(row, "ended_at")
    whole = max(0, ends - begins) // 1_000_000 if begins and ends else 0
    return Heard(
        at=begins or ends,
        controller=text(row, "controller"),
        kind=ListeningKind(text(row, "listening_kind")),
        reason=ListeningReason(text(row, "reason") or ListeningReason.UNSTATED),
        purpose=purposes.get(text(row, "campaign"), ""),
        seconds=milliseconds // 1_000 if milliseconds >= 0 else whole,
    )


async def _own_reader(request: Request[Any, Any, Any]) -> Reader:
    reader = await reader_for(request, Purpose.OWN_SPACE, period=Period.YEAR)
    if not KEY_PATTERN.fullmatch(reader.principal.person):
        raise RefusedError("person_missing")
    return reader


def _named(form: Any) -> tuple[str, int]:
    version = str(form.get("version", ""))
    return str(form.get("campaign", "")), int(version) if version.isdigit() and len(version) < 7 else 0


@post("/my-space/notice", opt=requires(Permission.OWN_RECORDINGS_READ), include_in_schema=False, status_code=303)
async def acknowledge(request: Request[Any, Any, Any]) -> Response[Any]:
    """One tap: I have read it."""
    form = await request.form()
    reader = await _own_reader(request)
    campaign, version = _named(form)
    body = await desk_of(reader.services).acknowledge(reader.principal.person, campaign, version)
    await reader.record(ActKind.ACKNOWLEDGE_NOTICE, object_id=f"{body.campaign}/{body.version}", count=1)
    return Redirect("/my-space?read=1#recordings", status_code=303)


@post("/my-space/calendar", opt=requires(Permission.OWN_RECORDINGS_READ), include_in_schema=False)
async def calendar_link(request: Request[Any, Any, Any]) -> Response[str]:
    """A link of one's own for a calendar program, shown once; a former one stops."""
    reader = await _own_reader(request)
    secret = desk_of(reader.services).calendar_link(reader.principal.person)
    await reader.record(ActKind.VIEW_OWN_SPACE, object_id="calendar", count=1)
    base = str(request.base_url).rstrip("/")
    return page(request, "own_calendar.html", link=f"{base}/calendar/{secret}.ics")


@get("/calendar/{identifier:str}", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False)
async def calendar_feed(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """The feed of whoever holds the secret; it names nobody."""
    services, texts = services_of(request), texts_of(request)
    found = await desk_of(services).calendar(identifier.removesuffix(".ics"))
    events = [
        event
        for each in found
        for event in notice_texts.events(texts, each.body, _name(services, each.body.controller))
    ]
    told = calendar(events, name=texts.say("notice.calendar"), made_at=services.clock())
    return Response(told, media_type="text/calendar")


def _name(services: Services, controller: str) -> str:
    facts = services.controller(controller)
    return controller if facts is None else facts.name


@get("/kiosk", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False)
async def kiosk(request: Request[Any, Any, Any]) -> Response[str]:
    """A shared screen: type the code that was handed out."""
    desk_of(services_of(request))
    return page(request, "kiosk.html", body=None, typed="", read=request.query_params.get("read", "") == "1")


@post("/kiosk", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False)
async def kiosk_show(request: Request[Any, Any, Any]) -> Response[str]:
    """What the code stands for; nothing is used up yet."""
    typed = str((await request.form()).get("code", ""))[:64]
    body = _behind(request, typed)
    return page(
        request,
        "kiosk.html",
        body=body,
        typed=typed,
        read=False,
        words=_words(services_of(request), request, body),
    )


@post("/kiosk/read", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False, status_code=303)
async def kiosk_read(request: Request[Any, Any, Any]) -> Response[Any]:
    """I have read it: the code is used up."""
    typed = str((await request.form()).get("code", ""))[:64]
    services, body = services_of(request), _behind(request, typed)
    await desk_of(services).kiosk_acknowledge(typed)
    await services.act(
        ActBody(
            act=ActKind.ACKNOWLEDGE_NOTICE,
            principal=KIOSK,
            role="agent",
            controllers=(),
            object=f"{body.campaign}/{body.version}",
            count=1,
            purpose=Purpose.OWN_SPACE,
        )
    )
    return Redirect("/kiosk?read=1", status_code=303)


def _behind(request: Request[Any, Any, Any], typed: str) -> CampaignBody:
    """The campaign of a code; guesses are slowed down like those of sign-in links.

    Raises:
        RefusedError: `kiosk_code_unknown`, or `sign_in_refused_too_often`.
    """
    services, refusals = services_of(request), request.app.state.refusals
    assert isinstance(refusals, Refusals)
    desk: Desk = desk_of(services)
    try:
        return desk.kiosk_campaign(typed)
    except RefusedError:
        if refusals.too_many(services.clock()):
            raise RefusedError("sign_in_refused_too_often") from None
        refusals.add(services.clock())
        raise


def _words(services: Services, request: Request[Any, Any, Any], body: CampaignBody) -> list[str]:
    """The notice in paragraphs, as the e-mail says it."""
    told = notice_texts.mail_body(
        texts_of(request),
        body,
        controller=_name(services, body.controller),
        operator=services.operator_name,
        contact=services.contact,
        console="",
    )
    return told.strip().split("\n\n")[:-1]
