"""*Exposition commune*: from a list of harmed persons to the agents who opened more of them than work explains.

Registered by `app.create_app`. Off until switched on with a reference. Must never put a record into an address, a page
title or a log (the list is posted and answers an opaque id), and never conclude: the result says where to look.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from litestar import MediaType, Request, Response, get, post
from litestar.response import Redirect

from quivive.detection.exposure_search import Lift
from quivive.model.alert import Switch
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.vault import MAX_EXPOSURE_KEYS, ExposureSearchKept
from quivive.web.alert_rows import is_on
from quivive.web.guards import principal_of, requires, services_of
from quivive.web.i18n import Texts
from quivive.web.pages import page, texts_of
from quivive.web.reading import PERIOD_US, Period, Purpose, Reader, controllers_of, reader_for
from quivive.web.services import Services

MAX_LINE: Final = 200
"""Characters read of one line of the list; no record notation is longer."""
SHOWN_LINES: Final = 20
"""Unreadable lines named by their number; beyond, they are counted."""
_MILLI: Final = 1_000
_PERIODS: Final = (Period.WEEK, Period.MONTH, Period.YEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """A posted list turned into record keys. `unreadable`: numbers of lines that name no record, never their text."""

    keys: tuple[str, ...]
    unreadable: tuple[int, ...]


def key_list(services: Services, controller: str, listed: str) -> Keyed:
    """Turn one record a line into keys, each once.

    Raises:
        RefusedError: `too_many_keys`.
    """
    lines = [(number, line.strip()) for number, line in enumerate(listed.splitlines(), start=1) if line.strip()]
    if len(lines) > MAX_EXPOSURE_KEYS:
        raise RefusedError("too_many_keys")
    keys: dict[str, None] = {}
    unreadable: list[int] = []
    for number, line in lines:
        try:
            keys.update(dict.fromkeys(services.subject_keys(controller, "record", line[:MAX_LINE])))
        except RefusedError:
            unreadable.append(number)
    return Keyed(keys=tuple(keys), unreadable=tuple(unreadable))


async def _allowed(reader: Reader) -> bool:
    return is_on(await reader.raw("switches"), Switch.EXPOSURE_SEARCH)


async def _require_switch(reader: Reader) -> None:
    if not await _allowed(reader):
        raise RefusedError("switch_off")


async def _form(
    request: Request[Any, Any, Any], *, refused: bool = False, unreadable: tuple[int, ...] = (), status: int = 200
) -> Response[str]:
    reader = await reader_for(request, Purpose.EXPOSURE_SEARCH)
    return page(
        request,
        "exposure_form.html",
        status=status,
        on=await _allowed(reader),
        controllers=controllers_of(reader.services, reader.principal),
        periods=_PERIODS,
        refused=refused,
        unreadable=unreadable[:SHOWN_LINES],
        unreadable_more=max(0, len(unreadable) - SHOWN_LINES),
        max_records=MAX_EXPOSURE_KEYS,
    )


@get("/exposure", opt=requires(Permission.CONTROLLER_EXPOSURE_SEARCH), include_in_schema=False)
async def exposure_form(request: Request[Any, Any, Any]) -> Response[str]:
    """The form with its legal note; it shows nothing about anybody."""
    return await _form(request)


@post("/exposure", opt=requires(Permission.CONTROLLER_EXPOSURE_SEARCH), include_in_schema=False, status_code=303)
async def exposure_search(request: Request[Any, Any, Any]) -> Response[Any]:
    """Take the list; the answer leads to an opaque address. A refused search is an act too."""
    form = await request.form()
    controller, asked = str(form.get("controller", "")), str(form.get("period", ""))
    if not controller:
        raise RefusedError("controller_unknown")
    reader = await reader_for(request, Purpose.EXPOSURE_SEARCH, controller=controller)
    services, now = reader.services, reader.services.clock()
    period = Period(asked) if asked in _PERIODS else Period.MONTH
    try:
        await _require_switch(reader)
        keyed = key_list(services, controller, str(form.get("records", "")))
        if keyed.unreadable or not keyed.keys:
            await reader.record(ActKind.SEARCH_EXPOSURE, object_id="refused:subject_unreadable", count=0)
            return await _form(request, refused=True, unreadable=keyed.unreadable, status=422)
        kept = services.vault.save_exposure_search(
            principal=reader.principal.id,
            controller=controller,
            keys=keyed.keys,
            from_at=now - PERIOD_US[period],
            to_at=now,
            now=now,
        )
    except RefusedError as error:
        await reader.record(ActKind.SEARCH_EXPOSURE, object_id=f"refused:{error.code}", count=0)
        raise
    await reader.record(ActKind.SEARCH_EXPOSURE, object_id=kept.id, count=len(kept.keys))
    return Redirect(f"/exposure/{kept.id}", status_code=303)


async def _found(request: Request[Any, Any, Any], identifier: str) -> tuple[Reader, ExposureSearchKept, list[Lift]]:
    services, principal = services_of(request), principal_of(request)
    assert principal is not None
    kept = services.vault.exposure_search(identifier, principal=principal.id, now=services.clock())
    if kept is None:
        raise RefusedError("unknown_search")
    reader = await reader_for(request, Purpose.EXPOSURE_SEARCH, controller=kept.controller)
    await _require_switch(reader)
    lifts = await services.exposure_search(kept.controller, kept.keys, from_at=kept.from_at, to_at=kept.to_at)
    return reader, kept, list(lifts)


@get("/exposure/{identifier:str}", opt=requires(Permission.CONTROLLER_EXPOSURE_SEARCH), include_in_schema=False)
async def exposure_page(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """Agents over-represented among the accesses to the listed persons, rarest first."""
    reader, kept, lifts = await _found(request, identifier)
    await reader.record(ActKind.SEARCH_EXPOSURE, object_id=kept.id, count=len(lifts))
    return page(request, "exposure.html", kept=kept, lifts=lifts, note=method_note(texts_of(request), kept, lifts))


@get("/exposure/{identifier:str}/note", opt=requires(Permission.CONTROLLER_EXPOSURE_SEARCH), include_in_schema=False)
async def exposure_note(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """The method note with the result, as text to join to a file."""
    (reader, kept, lifts), heads = await asyncio.gather(_found(request, identifier), services_of(request).heads())
    await reader.record(ActKind.EXPORT, object_id=kept.id, count=len(lifts))
    lines = [method_note(texts_of(request), kept, lifts)]
    lines += [f"{head.shard} {head.published} {head.root}" for head in heads if head.controller == kept.controller]
    return Response(
        "\n".join(lines) + "\n",
        media_type=MediaType.TEXT,
        headers={"Content-Disposition": 'attachment; filename="exposure-method-note.txt"'},
    )


def method_note(texts: Texts, kept: ExposureSearchKept, lifts: list[Lift]) -> str:
    """What was compared, how, with what result, and what it does not say."""
    said = [
        texts.say("exposure.note_title"),
        texts.say(
            "exposure.note_scope",
            records=texts.number(len(kept.keys)),
            from_at=texts.moment(kept.from_at),
            to_at=texts.moment(kept.to_at),
            zone=str(texts.zone),
        ),
        texts.say("exposure.note_method"),
        texts.say("exposure.note_limits"),
        texts.count("exposure.found", len(lifts)),
    ]
    said += [
        texts.say(
            "exposure.note_line",
            agent=lift.agent_code or "–",
            opened=texts.number(lift.opened),
            expected=texts.number(round(lift.expected_milli / _MILLI, 2)),
            lift=texts.number(round(lift.lift_milli / _MILLI, 1)),
            unexplained=texts.number(lift.unexplained),
            first=texts.moment(lift.first_at),
            last=texts.moment(lift.last_at),
        )
        for lift in lifts
    ]
    return "\n".join(said)
