"""Health: sources, freshness, gaps, gate and ledger heads for the administrator; probes for machines.

Registered by `app.create_app`. Must never show customer data, agents or names.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import MediaType, Request, Response, get

from quivive.model.entry import ActKind
from quivive.model.permission import Permission
from quivive.web.guards import requires, services_of
from quivive.web.pages import page
from quivive.web.reading import Period, Purpose, reader_for
from quivive.web.rows import SourceRow, read_coverage, read_gap, read_gate, read_source
from quivive.web.services import SourceFacts

METRICS_MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldSource:
    """A source as configured (None for the product's own) and as it lives."""

    facts: SourceFacts | None
    life: SourceRow


def told_sources(
    rows: list[dict[str, object]], configured: Sequence[SourceFacts], controllers: tuple[str, ...]
) -> list[ToldSource]:
    """Join what is configured with what was seen; a configured source never seen stands there too."""
    by_name = {facts.name: facts for facts in configured}
    told = [ToldSource(facts=by_name.get(row.source), life=row) for row in map(read_source, rows)]
    seen = {each.life.source for each in told}
    told += [
        ToldSource(
            facts=facts, life=read_source({"controller": facts.controller, "source": facts.name, "silent": True})
        )
        for facts in configured
        if facts.name not in seen and facts.controller in {"", *controllers}
    ]
    return told


@get("/health", opt=requires(Permission.OPERATOR_HEALTH_READ), include_in_schema=False)
async def health(request: Request[Any, Any, Any]) -> Response[str]:
    """The page."""
    services = services_of(request)
    reader = await reader_for(request, Purpose.OPERATION, period=Period.MONTH)
    sources, gaps, coverage, gate, retention = await asyncio.gather(
        reader.raw("health"), reader.raw("gaps"), reader.raw("coverage"), reader.raw("gate"), reader.raw("retention")
    )
    heads = await services.heads()
    await reader.record(ActKind.VIEW_HEALTH, object_id="", count=len(sources))
    return page(
        request,
        "health.html",
        sources=told_sources(sources, services.sources(), reader.controllers),
        gaps=[read_gap(row) for row in gaps],
        coverage=read_coverage(coverage),
        gate=[read_gate(row) for row in gate],
        heads=heads,
        retention=retention,
        ready=await services.ready(),
    )


@get("/livez", opt=requires(Permission.PUBLIC_PAGE_READ), media_type=MediaType.TEXT)
async def livez() -> str:
    """The process answers."""
    return "ok\n"


@get("/readyz", opt=requires(Permission.PUBLIC_PAGE_READ), media_type=MediaType.TEXT)
async def readyz(request: Request[Any, Any, Any]) -> Response[str]:
    """The core follows its spools and the projection answers."""
    ready = await services_of(request).ready()
    return Response("ok\n" if ready else "not ready\n", status_code=200 if ready else 503, media_type=MediaType.TEXT)


@get("/metrics", opt=requires(Permission.OPERATOR_HEALTH_READ), media_type=MediaType.TEXT)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Prometheus text; no label holds a person, a record or a phone."""
    text = await asyncio.to_thread(services_of(request).metrics)
    return Response(text, media_type=METRICS_MEDIA_TYPE)
