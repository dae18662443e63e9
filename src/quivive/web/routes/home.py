"""First page: counts of the day, the guided story in four steps, and the story's two proofs.

Registered by `app.create_app`. Must never touch the data folder itself: the story works on a copy, and only in a
demonstration.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from quivive.model.alert import AlertState
from quivive.model.entry import ActKind
from quivive.model.permission import Permission
from quivive.model.verdict import Strength, Verdict
from quivive.web.alert_rows import read_cause
from quivive.web.alert_sentences import AlertSpeaker
from quivive.web.charts import Part, share_bar
from quivive.web.guards import principal_of, requires, services_of
from quivive.web.i18n import LANGUAGES
from quivive.web.pages import KEYS_COOKIE, KEYS_STATES, LANGUAGE_COOKIE, page, texts_of
from quivive.web.reading import Period, Purpose, Reader, reader_for, sum_of
from quivive.web.rows import number, text

_SHARES: Final[tuple[tuple[str, str, str], ...]] = (
    ("strong", Verdict.EXPLAINED, Strength.STRONG),
    ("medium", Verdict.EXPLAINED, Strength.MEDIUM),
    ("weak", Verdict.EXPLAINED, Strength.WEAK),
    ("pending", Verdict.PENDING, ""),
    ("unknown", Verdict.UNKNOWN, ""),
    ("unexplained", Verdict.UNEXPLAINED, ""),
)
FIGURES: Final = (
    ("accesses", "/activity?period=24h"),
    ("contacts", "/activity?period=24h&verdict=explained"),
    ("pending", "/activity?period=24h&verdict=pending"),
    ("unknown", "/unexplained?period=24h#unknown"),
    ("unexplained", "/unexplained?period=24h"),
)
"""Counts of the header and where each one's rows are."""
CAUSE_ROWS: Final = 20
"""Common causes read; those that last are shown."""
DUE: Final = (
    ("questions", Permission.CONTROLLER_ALERTS_READ, "/alerts?state=open"),
    ("overdue", Permission.OPERATOR_HEALTH_READ, "/health#retention"),
    ("nonconformities", Permission.RECORDINGS_REGISTER_READ, "/recordings/campaigns#against"),
    ("unmask", Permission.CONTROLLER_CASES_READ, "/cases"),
    ("resolve", Permission.CONTROLLER_CASES_READ, "/cases"),
    ("recordings_campaign", Permission.RECORDINGS_CAMPAIGN_APPROVE, "/recordings/campaigns"),
    ("recordings_purge", Permission.RECORDINGS_PURGE_APPROVE, "/recordings/purge"),
    ("recordings_hold", Permission.RECORDINGS_PURGE_APPROVE, "/recordings/purge"),
    ("recordings_release", Permission.RECORDINGS_PURGE_APPROVE, "/recordings/purge"),
)
"""What waits, who is told, and where its rows are; proposals by what they ask for (ApprovalAct)."""
LANGUAGE_COOKIE_S: Final = 365 * 86_400
"""A choice of language is kept a year."""

_story_lock = asyncio.Lock()  # one copy of the data folder at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One count and the link to its rows."""

    code: str
    value: int
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Open alerts and since when the oldest waits (0 = none)."""

    alerts: int
    oldest_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that waits for this person: how many, since when (0 = unknown), and where the rows are."""

    code: str
    waiting: int
    oldest_at: int
    link: str


async def due_of(reader: Reader) -> tuple[Due, ...]:
    """What waits now, only what this person may open; nothing that is zero."""
    told = {text(row, "about") or text(row, "due"): row for row in await reader.raw("due_today")}
    return tuple(
        Due(code=code, waiting=number(told[code], "waiting"), oldest_at=number(told[code], "oldest_at"), link=link)
        for code, needed, link in DUE
        if code in told and number(told[code], "waiting") and reader.principal.may(needed)
    )


async def share_parts(request: Request[Any, Any, Any], reader: Reader) -> list[Part]:
    """Exposures of the period by verdict and strength."""
    rows = await reader.raw("shares")
    texts = texts_of(request)
    counted = []
    for code, verdict, strength in _SHARES:
        where = {"verdict": str(verdict)} | ({"strength": str(strength)} if strength else {})
        counted.append((code, sum_of(rows, "exposures", where)))
    total = sum(count for _, count in counted) or 1
    return [
        Part(code=code, label=texts.say(f"share.{code}"), count=count, figure=texts.percent(round(count / total, 3)))
        for code, count in counted
    ]


@get("/", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False)
async def home(request: Request[Any, Any, Any]) -> Response[Any]:
    """The first page; the anonymous are led to the sign-in page."""
    principal = principal_of(request)
    if principal is None:
        return Redirect("/sign-in", status_code=303)
    if principal.may(Permission.OWN_SPACE_READ):
        return Redirect("/my-space", status_code=303)
    due = await due_of(await reader_for(request, Purpose.OPERATION, period=Period.YEAR))
    if not principal.may(Permission.CONTROLLER_ACCESSES_READ):
        return page(request, "home.html", figures=[], parts=[], chart="", waiting=None, causes=[], due=due)
    reader = await reader_for(request, Purpose.ACTIVITY_REVIEW, period=Period.DAY)
    counts = await reader.raw("counts")
    parts = await share_parts(request, reader)
    chart = share_bar(parts, title=texts_of(request).say("home.shares"))
    figures = figures_of(counts[0] if counts else {})
    wide = await reader_for(request, Purpose.ALERT_REVIEW, period=Period.YEAR)
    waiting = waiting_of(await wide.raw("alert_counts"))
    causes = [read_cause(row) for row in await wide.raw("incidents", limit=CAUSE_ROWS) if not row.get("to_at")]
    await wide.record(ActKind.VIEW_ALERTS, object_id="counts", count=waiting.alerts)
    return page(
        request,
        "home.html",
        figures=figures,
        parts=parts,
        chart=chart,
        waiting=waiting,
        due=due,
        causes=[AlertSpeaker(texts=texts_of(request)).cause(cause) for cause in causes],
    )


def waiting_of(rows: list[dict[str, object]]) -> Waiting:
    """Count the open alerts over all companies of the reader."""
    waiting = [row for row in rows if row.get("state") == AlertState.OPEN]
    return Waiting(
        alerts=sum(number(row, "alerts") for row in waiting),
        oldest_at=min((number(row, "oldest_at") for row in waiting), default=0),
    )


def figures_of(counts: Mapping[str, object]) -> list[Figure]:
    """The counts of the header, each a link to its rows."""
    return [Figure(code=code, value=number(counts, code), link=link) for code, link in FIGURES]


async def _story(request: Request[Any, Any, Any], *, tamper: bool) -> Response[Any]:
    services = services_of(request)
    if not services.demonstration:  # it copies the whole folder, keys included: fit for invented data only
        raise NotFoundException
    reader = await reader_for(request, Purpose.DEMONSTRATION_STORY)
    async with _story_lock:
        result = await (services.story_tamper() if tamper else services.story_prove())
    await reader.record(
        ActKind.VERIFY_LEDGER, object_id=f"{'changed' if tamper else 'whole'}:{result.exit_code}", count=result.entries
    )
    return page(request, "story.html", result=result, tamper=tamper)


@post("/story/prove", opt=requires(Permission.OPERATOR_LEDGER_VERIFY), include_in_schema=False, status_code=200)
async def story_prove(request: Request[Any, Any, Any]) -> Response[Any]:
    """Step 3: verify a copy of the data folder."""
    return await _story(request, tamper=False)


@post("/story/tamper", opt=requires(Permission.OPERATOR_LEDGER_VERIFY), include_in_schema=False, status_code=200)
async def story_tamper(request: Request[Any, Any, Any]) -> Response[Any]:
    """Step 4: change one byte of a copy, and see it found."""
    return await _story(request, tamper=True)


@get("/language", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False, status_code=303)
async def language(request: Request[Any, Any, Any]) -> Response[Any]:
    """Choose the language and come back to the page."""
    chosen = request.query_params.get("to", "")
    answer: Response[Any] = Redirect(local_path(request.query_params.get("next", "/")), status_code=303)
    if chosen in LANGUAGES:
        answer.set_cookie(_kept_choice(request, LANGUAGE_COOKIE, chosen))
    return answer


@get("/keys", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False, status_code=303)
async def keys(request: Request[Any, Any, Any]) -> Response[Any]:
    """Turn the single-key shortcuts off or on (WCAG 2.1.4) and come back to the page."""
    answer: Response[Any] = Redirect(local_path(request.query_params.get("next", "/")), status_code=303)
    if request.query_params.get("to", "") in KEYS_STATES:
        answer.set_cookie(_kept_choice(request, KEYS_COOKIE, request.query_params["to"]))
    return answer


def _kept_choice(request: Request[Any, Any, Any], name: str, value: str) -> Cookie:
    return Cookie(
        key=name,
        value=value,
        max_age=LANGUAGE_COOKIE_S,
        httponly=True,
        samesite="strict",
        secure=services_of(request).secure_cookies,
        path="/",
    )


def local_path(text: str) -> str:
    """A path of this console, `/` for anything else: no open redirect."""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    return text
