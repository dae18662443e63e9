"""Removal of recordings with proof, in the console: plans, the second person's agreement, certificates, holds.

Registered by `app.create_app`. Must never let one person plan and agree, and never name a recording: counts, rules and
certificates only.
"""

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.model.audio import FailureCount, PlanCount
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.web.audio_services import PurgeDesk
from quivive.web.guards import requires
from quivive.web.pages import page
from quivive.web.reading import Period, Purpose, Reader, controllers_of, reader_for
from quivive.web.services import Services


def _desk(services: Services) -> PurgeDesk:
    if services.purge is None:
        raise RefusedError("audio_none")
    return services.purge


async def _reader(request: Request[Any, Any, Any], controller: str = "") -> Reader:
    return await reader_for(request, Purpose.RECORDINGS, controller=controller, period=Period.YEAR)


@get("/recordings/purge", opt=requires(Permission.RECORDINGS_REGISTER_READ), include_in_schema=False)
async def purge_page(request: Request[Any, Any, Any]) -> Response[str]:
    """Plans with their agreement and last attempt, holds, certificates; of the reader's companies only."""
    reader = await _reader(request)
    found = await asyncio.to_thread(_desk(reader.services).figures)
    shown = {
        name: [_shaped(row) for row in rows if row["controller"] in reader.controllers] for name, rows in found.items()
    }
    await reader.record(ActKind.VIEW_RECORDINGS, object_id="purge", count=len(shown["plans"]))
    planned = request.query_params.get("planned", "")
    return page(
        request,
        "recordings_purge.html",
        own_controllers=controllers_of(reader.services, reader.principal),
        planned=int(planned) if planned.isdigit() and len(planned) < 9 else None,
        plans=shown["plans"],
        holds=shown["holds"],
        certificates=shown["certificates"],
    )


def _shaped(row: dict[str, Any]) -> dict[str, Any]:
    """Read the JSON columns of a row."""
    shaped = dict(row)
    if "counts" in row:
        shaped["counts"] = msgspec.json.decode(row["counts"], type=tuple[PlanCount, ...])
        shaped["failures"] = msgspec.json.decode(row["failures"], type=tuple[FailureCount, ...])
    return shaped


@post(
    "/recordings/purge/plan", opt=requires(Permission.RECORDINGS_REGISTER_WRITE), include_in_schema=False,
    status_code=303,
)  # fmt: skip
async def purge_plan(request: Request[Any, Any, Any]) -> Response[Any]:
    """Look through the stores, seal what is to be removed, and propose it to a second person."""
    controller = str((await request.form()).get("controller", ""))
    if not controller:
        raise RefusedError("controller_unknown")
    reader = await _reader(request, controller)
    await reader.record(ActKind.PLAN_RECORDINGS_PURGE, object_id=controller, count=1)
    count = await asyncio.to_thread(_desk(reader.services).plan, controller, reader.principal)
    return Redirect(f"/recordings/purge?planned={count}", status_code=303)


@post(
    "/recordings/purge/decide", opt=requires(Permission.RECORDINGS_PURGE_APPROVE), include_in_schema=False,
    status_code=303,
)  # fmt: skip
async def purge_decide(request: Request[Any, Any, Any]) -> Response[Any]:
    """The second person agrees, or refuses; an agreed plan is carried out at once."""
    form = await request.form()
    reader = await _reader(request)
    subject, agreed = str(form.get("subject", "")), form.get("agree") == "1"
    await asyncio.to_thread(
        lambda: _desk(reader.services).decide(subject, reader.principal, agreed=agreed)
    )  # the desk checks the controller
    await reader.record(ActKind.DECIDE_RECORDINGS_PURGE, object_id=subject, count=1)
    return Redirect("/recordings/purge", status_code=303)
