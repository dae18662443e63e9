"""*À expliquer*: exposures without a reason, each with its evidence table; unknown apart; weak excess.

Registered by `app.create_app`. Must never call an unknown unexplained, and never judge a person.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get

from quivive.model.entry import ActKind
from quivive.model.permission import Permission
from quivive.model.verdict import Verdict
from quivive.web.filters import Filters, read_filters
from quivive.web.guards import requires
from quivive.web.pages import page
from quivive.web.reading import Period, Purpose, Reader, controllers_of, reader_for
from quivive.web.rows import Row, number, text

MAX_GROUPS: Final = 20
"""Groups on a page, each with its evidence; the page says when there are more."""
MAX_UNKNOWN: Final = 200
"""Unknown episodes read to count their causes; the page says when there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group to explain and its evidence, one line per kind of reason."""

    row: Row
    evidence: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCount:
    """How many episodes cannot be judged, for which cause, at which controller."""

    cause: str
    controller: str
    episodes: int
    last_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakExcess:
    """Records beyond the first in calls without an identified caller; `expected` from the peers' rate."""

    controller: str
    agent_code: str
    calls: int
    excess: int
    expected: float
    peers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToExplain:
    """All that the page shows."""

    groups: tuple[Group, ...]
    more: bool
    unknown: tuple[UnknownCount, ...]
    unknown_more: bool
    weak: tuple[WeakExcess, ...]


async def read_to_explain(reader: Reader, filters: Filters) -> ToExplain:
    """Read groups, their evidence, the unknown and the weak excess."""
    rows, unknown, weak = await asyncio.gather(
        reader.rows("unexplained", before_at=filters.before or None, limit=MAX_GROUPS + 1),
        reader.rows("activity", verdict=Verdict.UNKNOWN.value, limit=MAX_UNKNOWN),
        reader.raw("weak_excess"),
    )
    shown = rows[:MAX_GROUPS]
    evidence = await asyncio.gather(*(_evidence(reader, row) for row in shown))
    return ToExplain(
        groups=tuple(Group(row=row, evidence=found) for row, found in zip(shown, evidence, strict=True)),
        more=len(rows) > MAX_GROUPS,
        unknown=_unknown_counts(unknown),
        unknown_more=len(unknown) == MAX_UNKNOWN,
        weak=tuple(_weak(row) for row in weak),
    )


async def _evidence(reader: Reader, row: Row) -> tuple[Row, ...]:
    return tuple(await reader.rows("evidence", access=row.access)) if row.access else ()


def _unknown_counts(rows: list[Row]) -> tuple[UnknownCount, ...]:
    counted = Counter((row.unknown_cause, row.controller) for row in rows)
    latest: dict[tuple[str, str], int] = {}
    for row in rows:
        pair = (row.unknown_cause, row.controller)
        latest[pair] = max(latest.get(pair, 0), row.last_at)
    return tuple(
        UnknownCount(cause=cause, controller=controller, episodes=count, last_at=latest[(cause, controller)])
        for (cause, controller), count in counted.most_common()
    )


def _weak(row: dict[str, object]) -> WeakExcess:
    return WeakExcess(
        controller=text(row, "controller"),
        agent_code=text(row, "agent_code"),
        calls=number(row, "calls"),
        excess=number(row, "excess"),
        expected=_rounded(row, "expected"),
        peers=number(row, "peers"),
    )


def _rounded(row: dict[str, object], name: str) -> float:
    value = row.get(name)
    return round(float(value), 1) if isinstance(value, (int, float)) else 0.0


@get("/unexplained", opt=requires(Permission.CONTROLLER_UNEXPLAINED_READ), include_in_schema=False)
async def unexplained(request: Request[Any, Any, Any]) -> Response[str]:
    """The page."""
    filters = read_filters(request.query_params)
    reader = await reader_for(
        request, Purpose.EXPLANATION_REVIEW, controller=filters.controller_asked, period=filters.period
    )
    found = await read_to_explain(reader, filters)
    await reader.record(ActKind.VIEW_UNEXPLAINED, object_id="", count=len(found.groups))
    return page(
        request,
        "unexplained.html",
        filters=filters,
        found=found,
        periods=list(Period),
        controllers=controllers_of(reader.services, reader.principal),
    )
