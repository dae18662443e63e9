"""*Alertes*: what detection found worth a person's look, with its evidence, and the reviewer's conclusion.

Registered by `app.create_app`. Must never name an agent, conclude anything by itself, or hide what the budget left out:
the digest and the common causes stand on the same page.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.model.alert import AlertChangeBody, AlertState, ReviewOutcome
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.ids import CONTROLLER_ID_PATTERN, KEY_PATTERN
from quivive.model.permission import Permission
from quivive.web.alert_rows import (
    NO_CALLS,
    AlertRow,
    CallsAround,
    CauseRow,
    ChangeRow,
    DeclaredWord,
    DigestDay,
    read_alert,
    read_calls,
    read_cause,
    read_changes,
    read_digest,
    read_word,
)
from quivive.web.alert_sentences import AlertSpeaker
from quivive.web.filters import read_cursor
from quivive.web.guards import requires, services_of
from quivive.web.listing import page_length
from quivive.web.pages import page, texts_of
from quivive.web.reading import Period, Purpose, Reader, controllers_of, reader_for
from quivive.web.routes.attestation import read_panel
from quivive.web.routes.cases import written
from quivive.web.rows import Row, text
from quivive.web.services import RuleFacts, Services

PAGE_ROWS: Final = 50
"""Alerts on a page."""
DIGEST_ROWS: Final = 28
"""Days of the digest shown, one row per company and day."""
CAUSE_ROWS: Final = 20
"""Common causes shown, newest first."""
EVIDENCE_ACCESSES: Final = 10
"""Accesses whose searched reasons are read with the page; the others by a link."""
OUTCOMES: Final = tuple(outcome for outcome in ReviewOutcome if outcome is not ReviewOutcome.NONE)
"""What a reviewer may conclude: a closed set, and never guilt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilters:
    """What the URL of the list says: closed sets and companies, never a person or a record."""

    state: str
    controller: str
    before: int

    def query(self, **changed: object) -> str:
        """The query string with some values changed; empty ones are left out."""
        pairs: dict[str, object] = {"state": self.state, "controller": self.controller, "before": self.before}
        return urlencode({name: value for name, value in (pairs | changed).items() if value or name == "state"})


def read_alert_filters(given: Mapping[str, str]) -> AlertFilters:
    """Read the filters of a URL; the open alerts when none is said.

    Raises:
        RefusedError: `filter_invalid`, without the value.
    """
    state, controller = given.get("state", str(AlertState.OPEN)), given.get("controller", "")
    if state and state not in set(AlertState):
        raise RefusedError("filter_invalid", "state")
    if controller and not CONTROLLER_ID_PATTERN.fullmatch(controller):
        raise RefusedError("filter_invalid", "controller")
    return AlertFilters(state=state, controller=controller, before=read_cursor(given.get("before", "")))


def rule_of(services: Services, topic: str) -> RuleFacts | None:
    """The rule in force behind a topic; None for a test, or for a rule that is no longer there."""
    return next((rule for rule in services.rules() if rule.id == topic), None)


def titles_of(services: Services, language: str) -> dict[str, str]:
    """Titles of the rules in force, in one language."""
    return {rule.id: rule.title[language] for rule in services.rules()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that the list page shows. `facet`: open alerts by company. `next_before` 0 = last page."""

    alerts: tuple[AlertRow, ...]
    next_before: int
    facet: tuple[tuple[str, int], ...]
    digest: tuple[DigestDay, ...]
    causes: tuple[CauseRow, ...]


async def read_overview(reader: Reader, filters: AlertFilters) -> Overview:
    """Read a page of alerts, the digest and the common causes."""
    rows, counts, digest, causes = await asyncio.gather(
        reader.raw("alerts", state=filters.state, before_at=filters.before or None, limit=PAGE_ROWS + 1),
        reader.raw("alert_counts"),
        reader.raw("alert_digest", limit=DIGEST_ROWS),
        reader.raw("incidents", limit=CAUSE_ROWS),
    )
    found = [read_alert(row) for row in rows]
    shown = found[: page_length(found, PAGE_ROWS)]
    facet: dict[str, int] = {}
    for row in counts:
        if not filters.state or text(row, "state") == filters.state:
            facet[text(row, "controller")] = facet.get(text(row, "controller"), 0) + int(str(row["alerts"]))
    return Overview(
        alerts=tuple(shown),
        next_before=shown[-1].at if len(found) > len(shown) else 0,
        facet=tuple(sorted(facet.items())),
        digest=tuple(read_digest(row) for row in digest),
        causes=tuple(read_cause(row) for row in causes),
    )


@get("/alerts", opt=requires(Permission.CONTROLLER_ALERTS_READ), include_in_schema=False)
async def alerts(request: Request[Any, Any, Any]) -> Response[str]:
    """The list."""
    filters = read_alert_filters(request.query_params)
    reader = await reader_for(request, Purpose.ALERT_REVIEW, controller=filters.controller, period=Period.YEAR)
    found, panel = await read_overview(reader, filters), await read_panel(reader)
    await reader.record(ActKind.VIEW_ALERTS, object_id="", count=len(found.alerts))
    return page(
        request,
        "alerts.html",
        filters=filters,
        found=found,
        panel=panel,
        attested=request.query_params.get("attested", "") == "1",
        states=("", *AlertState),
        controllers=controllers_of(reader.services, reader.principal),
        say=AlertSpeaker(texts=texts_of(request)),
        titles=titles_of(reader.services, texts_of(request).language),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """One alert with its evidence; calls, searched reasons and declared words by access."""

    alert: AlertRow
    changes: tuple[ChangeRow, ...]
    accesses: tuple[Row, ...]
    calls: Mapping[str, CallsAround]
    reasons: Mapping[str, tuple[Row, ...]]
    words: Mapping[str, tuple[DeclaredWord, ...]]

    def calls_of(self, access: str) -> CallsAround:
        """The agent's calls around one access."""
        return self.calls.get(access, NO_CALLS)


async def read_one(reader: Reader, identifier: str) -> dict[str, object]:
    """Read the row of one alert inside the scope.

    Raises:
        RefusedError: `alert_unknown`.
    """
    rows = await reader.raw("alert", alert=identifier) if KEY_PATTERN.fullmatch(identifier) else []
    if not rows:
        raise RefusedError("alert_unknown")
    return rows[0]


async def read_view(reader: Reader, identifier: str, *, all_reasons: bool) -> AlertView:
    """Read one alert with its evidence.

    Raises:
        RefusedError: `alert_unknown`.
    """
    row = await read_one(reader, identifier)
    accesses, calls = await asyncio.gather(
        reader.rows("alert_accesses", alert=identifier), reader.raw("calls_around", alert=identifier)
    )
    looked = accesses if all_reasons else accesses[:EVIDENCE_ACCESSES]
    reasons = await asyncio.gather(*(reader.rows("evidence", access=access.access) for access in looked))
    words = await asyncio.gather(*(reader.raw("words_of_access", access=access.access) for access in accesses))
    return AlertView(
        alert=read_alert(row),
        changes=read_changes(row),
        accesses=tuple(accesses),
        calls={text(each, "access"): read_calls(each) for each in calls},
        reasons={access.access: tuple(found) for access, found in zip(looked, reasons, strict=True)},
        words={
            access.access: tuple(read_word(access.access, each) for each in found)
            for access, found in zip(accesses, words, strict=True)
            if found
        },
    )


@get("/alerts/{identifier:str}", opt=requires(Permission.CONTROLLER_ALERTS_READ), include_in_schema=False)
async def alert(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """One alert: its sentence, its evidence, its rule, its history, and the form of the review."""
    reader = await reader_for(request, Purpose.ALERT_REVIEW, period=Period.YEAR)
    view = await read_view(reader, identifier, all_reasons=request.query_params.get("reasons", "") == "all")
    await reader.record(ActKind.VIEW_ALERT, object_id=view.alert.alert, count=len(view.accesses))
    texts, rule = texts_of(request), rule_of(reader.services, view.alert.topic)
    return page(
        request,
        "alert.html",
        view=view,
        rule=rule,
        title=rule.title[texts.language] if rule else "",
        say=AlertSpeaker(texts=texts),
        outcomes=OUTCOMES,
        today=written(reader, reader.services.clock()),
        reviewed=request.query_params.get("reviewed", "") == "1",
    )


@post(
    "/alerts/{identifier:str}/review",
    opt=requires(Permission.CONTROLLER_ALERTS_REVIEW),
    include_in_schema=False,
    status_code=303,
)
async def review(request: Request[Any, Any, Any], identifier: str) -> Response[Any]:
    """Conclude: the change is an entry, durable before the answer, and so is the act."""
    given = str((await request.form()).get("outcome", ""))
    reader = await reader_for(request, Purpose.ALERT_REVIEW, period=Period.YEAR)
    found = read_alert(await read_one(reader, identifier))
    if given not in OUTCOMES:
        raise RefusedError("outcome_missing")
    await _change(reader, found, AlertState.REVIEWED, ReviewOutcome(given))
    return Redirect(f"/alerts/{found.alert}?reviewed=1", status_code=303)


@post(
    "/alerts/{identifier:str}/mute",
    opt=requires(Permission.CONTROLLER_ALERTS_REVIEW),
    include_in_schema=False,
    status_code=303,
)
async def mute(request: Request[Any, Any, Any], identifier: str) -> Response[Any]:
    """Mute until it grows; only what is open. It opens again by itself, and nothing mutes for ever."""
    reader = await reader_for(request, Purpose.ALERT_REVIEW, period=Period.YEAR)
    found = read_alert(await read_one(reader, identifier))
    if found.state != AlertState.OPEN:
        raise RefusedError("alert_not_open")
    await _change(reader, found, AlertState.MUTED, ReviewOutcome.NONE)
    return Redirect(f"/alerts/{found.alert}?reviewed=1", status_code=303)


async def _change(reader: Reader, found: AlertRow, state: AlertState, outcome: ReviewOutcome) -> None:
    """Write the change of state, then the act; both durable."""
    body = AlertChangeBody(
        alert=found.alert,
        as_of=reader.services.clock(),
        state=state,
        hit=None,
        outcome=outcome,
        principal=reader.principal.id,
    )
    await reader.services.review(found.controller, body)
    await reader.record(ActKind.REVIEW_ALERT, object_id=found.alert, count=1)


@get("/rules/{identifier:str}", opt=requires(Permission.CONTROLLER_ALERTS_READ), include_in_schema=False)
async def rule(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """A rule in force: its text, what to do when it fires, its legal note. It shows nothing about anybody."""
    found = rule_of(services_of(request), identifier)
    if found is None:
        raise RefusedError("rule_unknown")
    return page(request, "rule.html", rule=found, language=texts_of(request).language)
