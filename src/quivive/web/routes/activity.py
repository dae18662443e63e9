"""*Activité*: episodes live or past, unfolding to their accesses, filters in the URL.

Registered by `app.create_app`. Must never show an episode outside an open live view (one act at its
opening, one at its closing with the count).
"""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.model.entry import ActKind
from quivive.model.permission import Permission
from quivive.web.filters import Filters, read_filters
from quivive.web.guards import principal_of, requires
from quivive.web.listing import FACET_ROWS, PAGE_ROWS, EpisodePage, episodes, facets
from quivive.web.live import LiveViews
from quivive.web.pages import page
from quivive.web.reading import Period, Purpose, Reader, controllers_of, reader_for

POLL_S: Final = 2
"""Seconds between two polls of the live list (with JavaScript)."""
RELOAD_S: Final = 10
"""Seconds between two reloads without JavaScript."""
MAX_EPISODE_ACCESSES: Final = 200
"""Accesses shown inside one episode; the page says when there are more."""


def _live(request: Request[Any, Any, Any]) -> LiveViews:
    live: LiveViews = request.app.state.live
    return live


async def _read(request: Request[Any, Any, Any], *, sample: int) -> tuple[Reader, Filters, EpisodePage]:
    filters = read_filters(request.query_params)
    reader = await reader_for(
        request, Purpose.ACTIVITY_REVIEW, controller=filters.controller_asked, period=filters.period
    )
    return reader, filters, await episodes(reader, filters, sample=sample)


@get("/activity", opt=requires(Permission.CONTROLLER_ACCESSES_READ), include_in_schema=False)
async def activity(request: Request[Any, Any, Any]) -> Response[str]:
    """The page."""
    reader, filters, found = await _read(request, sample=FACET_ROWS)
    unfolded = request.query_params.get("open", "")
    chosen = next((row for row in found.rows if row.episode == unfolded), None)
    inside = await reader.rows("episode", episode=chosen.episode, limit=MAX_EPISODE_ACCESSES) if chosen else []
    view = await _live(request).show(
        request.query_params.get("view", ""),
        principal=reader.principal,
        controllers=reader.controllers,
        episodes=[row.episode for row in found.rows],
    )
    if chosen:
        await reader.record(ActKind.VIEW_ACCESS, object_id=view, count=len(inside))
    live = not filters.before and request.query_params.get("live", "1") != "0" and not chosen
    return page(
        request,
        "activity.html",
        filters=filters,
        found=found,
        facets=facets(found.sample),
        facet_rows=FACET_ROWS,
        page_rows=PAGE_ROWS,
        unfolded=unfolded,
        inside=inside,
        inside_max=MAX_EPISODE_ACCESSES,
        view=view,
        live=live,
        poll_s=POLL_S,
        periods=list(Period),
        controllers=controllers_of(reader.services, reader.principal),
        live_meta=(RELOAD_S, f"/activity?{filters.query(view=view)}") if live else None,
    )


@get("/activity/rows", opt=requires(Permission.CONTROLLER_ACCESSES_READ), include_in_schema=False)
async def activity_rows(request: Request[Any, Any, Any]) -> Response[str]:
    """The live fragment; a view that was closed in between is opened anew, with its own act."""
    reader, filters, found = await _read(request, sample=PAGE_ROWS + 1)
    asked = request.query_params.get("view", "")
    view = await _live(request).show(
        asked,
        principal=reader.principal,
        controllers=reader.controllers,
        episodes=[row.episode for row in found.rows],
    )
    return page(
        request, "activity_rows.html", filters=filters, found=found, unfolded="", inside=[], inside_max=0, view=view
    )


@get("/activity/episode", opt=requires(Permission.CONTROLLER_ACCESSES_READ), include_in_schema=False)
async def activity_episode(request: Request[Any, Any, Any]) -> Response[str]:
    """The accesses of one episode, unfolded in place."""
    filters = read_filters(request.query_params)
    reader = await reader_for(request, Purpose.ACTIVITY_REVIEW, period=filters.period)
    episode = request.query_params.get("open", "")
    inside = await reader.rows("episode", episode=episode, limit=MAX_EPISODE_ACCESSES)
    view = _live(request).current(request.query_params.get("view", ""), principal=reader.principal)
    await reader.record(ActKind.VIEW_ACCESS, object_id=view, count=len(inside))
    return page(request, "episode.html", inside=inside, inside_max=MAX_EPISODE_ACCESSES)


@post("/activity/close", opt=requires(Permission.CONTROLLER_ACCESSES_READ), include_in_schema=False, status_code=303)
async def activity_close(request: Request[Any, Any, Any]) -> Response[Any]:
    """Close the live view on request."""
    principal = principal_of(request)
    assert principal is not None
    view = (await request.form()).get("view", "")
    await _live(request).close(str(view), principal=principal)
    return Redirect("/", status_code=303)
