"""Analysis of recorded calls: a registered grid filled for one recording, read by its evaluator, the DPO and its agent.

Registered by `app.create_app`. Must never put a recording into an address, never show one evaluator's document to
another, and never add up what documents say.
"""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.ids import KEY_PATTERN
from quivive.model.permission import Permission, Role
from quivive.recordings.analysis import MAX_REMARK
from quivive.web.guards import requires
from quivive.web.pages import page
from quivive.web.reading import Period, Purpose, Reader, reader_for
from quivive.web.routes.recordings import desk_of
from quivive.web.rows import number, text

PATH: Final = "/recordings/analysis"
MAX_WRITTEN: Final = 100


async def _reader(request: Request[Any, Any, Any]) -> Reader:
    return await reader_for(request, Purpose.RECORDINGS, period=Period.YEAR)


@get(PATH, opt=requires(Permission.RECORDINGS_REGISTER_READ), include_in_schema=False)
async def analysis(request: Request[Any, Any, Any]) -> Response[str]:
    """Grids in force, documents one may open, and for a named listener the recordings of his campaigns."""
    reader = await _reader(request)
    desk, principal = desk_of(reader.services), reader.principal
    dpo = Role.DPO in principal.roles
    documents = desk.analysis.made_by(principal.id, dpo=dpo)[:MAX_WRITTEN]
    mine = {
        body.campaign
        for body in desk.register.campaigns(reader.controllers)
        if any(listener.principal == principal.id for listener in body.listeners)
    }
    rows = await reader.raw("recordings_today", limit=MAX_WRITTEN) if mine else []
    await reader.record(ActKind.VIEW_RECORDINGS, object_id="analysis", count=len(documents))
    return page(
        request,
        "recordings_analysis.html",
        grids=desk.register.grids(),
        documents=documents,
        rows=[row for row in rows if text(row, "campaign") in mine],
        number=number,
        text=text,
        max_remark=MAX_REMARK,
        may_write=principal.may(Permission.RECORDINGS_ANALYSIS_WRITE),
        made=request.query_params.get("made", "") == "1",
    )


@post(PATH, opt=requires(Permission.RECORDINGS_ANALYSIS_WRITE), include_in_schema=False, status_code=303)
async def make(request: Request[Any, Any, Any]) -> Response[Any]:
    """Write a document: sealed, its hash in an entry, its agent can read it at once."""
    form = await request.form()
    reader = await _reader(request)
    controller, recording = str(form.get("controller", "")), str(form.get("recording", ""))
    if controller not in reader.controllers or not KEY_PATTERN.fullmatch(recording):
        raise RefusedError("recording_unknown")
    marks = {
        name.removeprefix("mark_"): int(str(value))
        for name, value in form.items()
        if name.startswith("mark_") and str(value).isdigit() and len(str(value)) < 3
    }
    body = await desk_of(reader.services).analysis.make(
        controller=controller,
        recording=recording,
        grid=str(form.get("grid", "")),
        marks=marks,
        remark=str(form.get("remark", "")),
        principal=reader.principal.id,
    )
    await reader.record(ActKind.MAKE_DOCUMENT, object_id=body.document, count=1)
    return Redirect(f"{PATH}?made=1", status_code=303)


@get(f"{PATH}/{{identifier:str}}", opt=requires(Permission.RECORDINGS_REGISTER_READ), include_in_schema=False)
async def document(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """One document, for its evaluator or the data protection officer; its id is random and says nothing."""
    reader = await _reader(request)
    dpo = Role.DPO in reader.principal.roles
    found = desk_of(reader.services).analysis.read(identifier, principal=reader.principal.id, dpo=dpo)
    await reader.record(ActKind.VIEW_DOCUMENT, object_id=found.body.document, count=1)
    return page(request, "recordings_document.html", document=found)
