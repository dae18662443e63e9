"""A list leaves whole: activity, what is to be explained, alerts, as CSV, JSON lines or Parquet with a manifest.

Registered by `app.create_app`; linked from the three lists, with their filters. Must never send a byte before the act
of the export is durable, cut a list, or send a key: agents are neutral codes, as on the page.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any, Final

from litestar import Request, get
from litestar.response import Stream

from quivive.model.clock import DAY_US, Micros, to_rfc3339
from quivive.model.entry import ActKind
from quivive.model.permission import Permission
from quivive.reports.listing import ACCESS_COLUMNS, ALERT_COLUMNS, Columns, ListFormat, Listing, Rows, archive
from quivive.web.filters import Filters, read_filters
from quivive.web.guards import requires
from quivive.web.reading import Period, Purpose, Reader, reader_for
from quivive.web.routes.alerts import AlertFilters, read_alert_filters
from quivive.web.rows import read_row

PAGE: Final = 5_000
"""Rows read at once: what one query may answer. The export goes on until there are no more."""

Row = Mapping[str, object]


def _paths(base: str) -> list[str]:
    return [f"{base}.{form}" for form in ListFormat]


@get(_paths("/activity"), opt=requires(Permission.CONTROLLER_EVIDENCE_EXPORT), include_in_schema=False)
async def activity_export(request: Request[Any, Any, Any]) -> Stream:
    """Every access of the period, one row each, oldest first."""
    made, filters = _format(request), read_filters(request.query_params)
    reader = await _until_now(request, Purpose.ACTIVITY_REVIEW, filters)
    about = {"filter": {**filters.pairs(), "period": filters.period}}
    pages = accesses(reader, filters, to_explain=False)
    return await _send(reader, "activity", made, ACCESS_COLUMNS, about, pages)


@get(_paths("/unexplained"), opt=requires(Permission.CONTROLLER_EVIDENCE_EXPORT), include_in_schema=False)
async def unexplained_export(request: Request[Any, Any, Any]) -> Stream:
    """Every access to explain, one row each, oldest first."""
    made, filters = _format(request), read_filters(request.query_params)
    reader = await _until_now(request, Purpose.EXPLANATION_REVIEW, filters)
    about = {"filter": {**filters.pairs(), "period": filters.period}}
    pages = accesses(reader, filters, to_explain=True)
    return await _send(reader, "unexplained", made, ACCESS_COLUMNS, about, pages)


@get(_paths("/alerts"), opt=requires(Permission.CONTROLLER_EVIDENCE_EXPORT), include_in_schema=False)
async def alerts_export(request: Request[Any, Any, Any]) -> Stream:
    """Every alert of the year, newest first."""
    made, filters = _format(request), read_alert_filters(request.query_params)
    reader = await reader_for(request, Purpose.ALERT_REVIEW, controller=filters.controller, period=Period.YEAR)
    about = {"filter": {"state": filters.state, "controller": filters.controller}}
    return await _send(reader, "alerts", made, ALERT_COLUMNS, about, alerts_of(reader, filters))


def _format(request: Request[Any, Any, Any]) -> ListFormat:
    return ListFormat(request.url.path.rpartition(".")[2])


async def _until_now(request: Request[Any, Any, Any], purpose: Purpose, filters: Filters) -> Reader:
    """A reader whose period ends now: what arrives while the list is sent belongs to the next one."""
    reader = await reader_for(request, purpose, controller=filters.controller_asked, period=filters.period)
    return replace(reader, to_at=reader.services.clock())


async def accesses(reader: Reader, filters: Filters, *, to_explain: bool) -> Rows:
    """Page through the accesses, one UTC day after the other, so that only the files of that day are read."""
    from_at = reader.from_at
    while from_at < reader.to_at:
        to_at = min(from_at - from_at % DAY_US + DAY_US, reader.to_at)
        day = replace(reader, from_at=from_at, to_at=to_at)
        after: dict[str, object] = {}
        action = filters.included().get("action", "")
        while True:
            (edge,) = await day.raw("export_edge", **{"action": action, **after}, limit=PAGE) or ({},)
            if not edge.get("accesses"):
                break
            # Only the stretch of the page is read and joined: a page costs what it shows, and so does its memory.
            page = replace(day, to_at=int(str(edge["last_at"])) + 1)
            found = await page.raw(
                "export_accesses",
                **{"action": action, **after},
                to_explain="1" if to_explain else "",
                limit=PAGE,
            )
            kept = [row for row in found if row.get("wanted", True) and _kept(row, filters)]
            if kept:
                yield kept
            if int(str(edge["accesses"])) < PAGE or not found:
                break
            day = replace(day, from_at=int(str(found[-1]["at"])))
            after = {"after_at": found[-1]["at"], "after_access": found[-1]["access"]}
        from_at = to_at


def _kept(row: Row, filters: Filters) -> bool:
    told = read_row(row)
    included = filters.included()
    return filters.keeps(told) and included.get("verdict", told.verdict) == told.verdict


async def alerts_of(reader: Reader, filters: AlertFilters) -> Rows:
    """Page through the alerts as the page does."""
    before: dict[str, object] = {}
    while True:
        found = await reader.raw("alerts", state=filters.state, **before, limit=PAGE)
        if found:
            yield found
        if len(found) < PAGE:
            return
        before = {"before_at": found[-1]["opened_at"], "before_alert": found[-1]["alert"]}


async def _send(
    reader: Reader, name: str, made: ListFormat, columns: Columns, about: Mapping[str, object], pages: Rows
) -> Stream:
    """The act first, then the bytes; a second act tells how many rows left, once all have."""
    identifier = token_hex(8)
    checkpoints = [
        {"log": head.shard, "published": head.published, "root": head.root, "signed_at": _instant(head.signed_at)}
        for head in await reader.services.heads()
        if head.controller in reader.controllers
    ]
    told = {
        "export": identifier,
        "made_at": _instant(reader.services.clock()),
        "controllers": list(reader.controllers),
        "from": _instant(reader.from_at),
        "to": _instant(reader.to_at),
        **about,
        "checkpoints": checkpoints,
    }
    await reader.record(ActKind.EXPORT, object_id=f"{name}.{made}/{identifier}", count=0)
    counted: list[int] = []
    listing = Listing(name=name, format=made, columns=columns, about=told)
    body = _closed(reader, archive(listing, pages, counted.append), lambda: counted, f"{name}.{made}/{identifier}/sent")
    file = f"quivive-{name}-{made}-{identifier}.zip"
    return Stream(body, media_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{file}"'})


async def _closed(
    reader: Reader, parts: AsyncIterator[bytes], counted: Callable[[], Sequence[int]], object_id: str
) -> AsyncIterator[bytes]:
    """Hold the last bytes, without which the archive does not open, until the act with the count is durable."""
    async for part in parts:
        if counted():
            await reader.record(ActKind.EXPORT, object_id=object_id, count=counted()[-1])
        if part:
            yield part


def _instant(at: int) -> str | None:
    return to_rfc3339(Micros(at)) if at > 0 else None
