"""*Contrôles*: the DPO opens a time-boxed session for an inspector of the authority, sees what was looked at, ends it.

Registered by `app.create_app`. Must never open a session without an end, nor wider than the DPO's own companies.
"""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.model.clock import SECOND_US, Micros, to_rfc3339
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.vault_sessions import MAX_INSPECTION_US, Inspection
from quivive.web.guards import requires, services_of
from quivive.web.pages import page
from quivive.web.reading import Purpose, Reader, controllers_of, reader_for

MAX_ACTS: Final = 5_000
"""Looks listed of one inspection: days of a person's reading. The page says when there are more."""
_OPEN: Final = requires(Permission.OPERATOR_INSPECTION_OPEN)


def _of(reader: Reader, identifier: str) -> Inspection:
    """An inspection whose companies are all the reader's own; another's is unknown to him."""
    found = reader.services.vault.inspection(identifier)
    if not set(found.controllers) <= set(reader.principal.controllers):
        raise RefusedError("inspection_unknown")
    return found


def _list_page(request: Request[Any, Any, Any], reader: Reader, *, error: str = "", status: int = 200) -> Response[str]:
    services, now = reader.services, reader.services.clock()
    mine = set(reader.principal.controllers)
    zone = ZoneInfo(services.timezone)
    moments = [datetime.fromtimestamp(at // SECOND_US, tz=zone) for at in (now, now + MAX_INSPECTION_US)]
    return page(
        request,
        "inspections.html",
        status=status,
        found=[each for each in services.vault.inspections() if set(each.controllers) <= mine],
        companies=controllers_of(services, reader.principal),
        first=moments[0].strftime("%Y-%m-%dT%H:%M"),
        last=moments[1].strftime("%Y-%m-%dT%H:%M"),
        error=error,
    )


@get("/inspections", opt=_OPEN, include_in_schema=False)
async def inspections(request: Request[Any, Any, Any]) -> Response[str]:
    """The form, and every inspection of these companies."""
    return _list_page(request, await reader_for(request, Purpose.INSPECTION))


@post("/inspections", opt=_OPEN, include_in_schema=False, status_code=200)
async def open_inspection(request: Request[Any, Any, Any]) -> Response[Any]:
    """Open one; the link is shown once."""
    form = await request.form()
    reader = await reader_for(request, Purpose.INSPECTION)
    chosen = [str(each) for each in form.getall("controller", [])]
    controllers = tuple(each for each in reader.controllers if each in chosen)
    if not controllers or len(controllers) != len(set(chosen)):
        return _list_page(request, reader, error="controller_unknown", status=422)
    services = reader.services
    try:
        ends_at = _instant(str(form.get("until", "")), services.timezone)
        inspection, secret = services.vault.open_inspection(
            controllers=controllers, opened_by=reader.principal.id, ends_at=ends_at, now=services.clock()
        )
    except RefusedError as error:
        return _list_page(request, reader, error=error.code, status=422)
    await reader.record(ActKind.OPEN_INSPECTION, object_id=inspection.id, count=len(controllers))
    return await _shown(request, reader, inspection, link=_link(request, secret))


@get("/inspections/{identifier:str}", opt=_OPEN, include_in_schema=False)
async def inspection(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """One inspection with what was looked at in it."""
    reader = await reader_for(request, Purpose.INSPECTION)
    return await _shown(request, reader, _of(reader, identifier), link="")


@get("/inspections/{identifier:str}/acts.csv", opt=_OPEN, include_in_schema=False)
async def acts_file(request: Request[Any, Any, Any], identifier: str) -> Response[bytes]:
    """The same list as a file, to be handed over at the end."""
    reader = await reader_for(request, Purpose.INSPECTION)
    found = _of(reader, identifier)
    rows = await _acts(reader, found)
    await reader.record(ActKind.EXPORT, object_id=f"inspection/{found.id}", count=len(rows))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["at", "act", "object", "count", "purpose", "controllers"])
    for row in rows:
        at = to_rfc3339(Micros(int(str(row["acted_at"]))))
        writer.writerow([at, *(_cell(row[name]) for name in ("act", "object", "count", "purpose", "controllers"))])
    headers = {"Content-Disposition": f'attachment; filename="quivive-inspection-{found.id}.csv"'}
    return Response(text.getvalue().encode(), media_type="text/csv; charset=utf-8", headers=headers)


@post("/inspections/{identifier:str}/link", opt=_OPEN, include_in_schema=False, status_code=200)
async def new_link(request: Request[Any, Any, Any], identifier: str) -> Response[Any]:
    """One more sign-in link, shown once: for the next day, or a colleague."""
    reader = await reader_for(request, Purpose.INSPECTION)
    found = _of(reader, identifier)
    secret = reader.services.vault.inspection_link(found, reader.services.clock())
    await reader.record(ActKind.ISSUE_SIGN_IN_LINK, object_id=found.principal, count=1)
    return await _shown(request, reader, found, link=_link(request, secret))


@post("/inspections/{identifier:str}/end", opt=_OPEN, include_in_schema=False, status_code=303)
async def end_inspection(request: Request[Any, Any, Any], identifier: str) -> Response[Any]:
    """End it at once, with its sessions."""
    reader = await reader_for(request, Purpose.INSPECTION)
    found = _of(reader, identifier)
    ended = reader.services.vault.end_inspection(found, by=reader.principal.id, now=reader.services.clock())
    await reader.record(ActKind.END_INSPECTION, object_id=found.id, count=ended)
    return Redirect(f"/inspections/{found.id}", status_code=303)


async def _shown(request: Request[Any, Any, Any], reader: Reader, found: Inspection, *, link: str) -> Response[str]:
    rows = await _acts(reader, found)
    await reader.record(ActKind.VIEW_INSPECTION, object_id=found.id, count=len(rows))
    return page(
        request,
        "inspection.html",
        found=found,
        link=link,
        acts=rows,
        max_acts=MAX_ACTS,
        open=found.open_at(reader.services.clock()),
    )


async def _acts(reader: Reader, found: Inspection) -> list[Mapping[str, object]]:
    rows: list[Mapping[str, object]] = []
    rows.extend(
        await reader.services.query(
            "acts_of_principal",
            {"as_of": reader.services.clock(), "principal": found.principal, "limit": MAX_ACTS},
            controllers=found.controllers,
            from_at=found.opened_at,
            to_at=found.ends_at + 1,
            purpose=reader.purpose,
            principal=reader.principal.id,
        )
    )
    return rows


def _cell(value: object) -> str:
    """A spreadsheet must not take a text for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text


def _link(request: Request[Any, Any, Any], secret: str) -> str:
    services = services_of(request)
    origin = services.identity.party.address if services.identity else str(request.base_url).rstrip("/")
    return f"{origin}/sign-in?token={secret}"


def _instant(text: str, zone: str) -> int:
    """A moment as a form writes it, in the site's time.

    Raises:
        RefusedError: `inspection_end`.
    """
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise RefusedError("inspection_end") from None
    return int(moment.timestamp()) * SECOND_US
