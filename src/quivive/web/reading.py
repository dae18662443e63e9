"""Reading for a principal: every query inside his scope, every look recorded before it is answered.

Used by all pages and JSON twins that show traces. Must never answer when the act could not be written
(StorageError goes up and becomes a 503), and never widen a scope.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from litestar import Request

from quivive.model.clock import DAY_US, HOUR_US
from quivive.model.entry import ActBody, ActKind
from quivive.model.errors import RefusedError
from quivive.vault import Principal
from quivive.web.guards import principal_of, refusal_act, services_of
from quivive.web.rows import Row, read_row
from quivive.web.services import ControllerFacts, Services

FUTURE_US: Final = HOUR_US
"""A scope ends this far in the future, so that a clock ahead of ours hides nothing."""


class Purpose(StrEnum):
    """Why a look happens; stored with the act."""

    ACTIVITY_REVIEW = "activity_review"
    SUBJECT_REQUEST = "subject_request"
    EXPLANATION_REVIEW = "explanation_review"
    ALERT_REVIEW = "alert_review"
    COVERAGE_REVIEW = "coverage_review"
    EXPOSURE_SEARCH = "exposure_search"
    CASE = "case"
    EVIDENCE = "evidence"
    OWN_SPACE = "own_space"
    OPERATION = "operation"
    RECORDINGS = "recordings"
    INSPECTION = "inspection"
    DEMONSTRATION_STORY = "demonstration_story"


class Period(StrEnum):
    """Periods offered by the filters."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    YEAR = "365d"


PERIOD_US: Final[dict[Period, int]] = {
    Period.HOUR: HOUR_US,
    Period.DAY: DAY_US,
    Period.WEEK: 7 * DAY_US,
    Period.MONTH: 30 * DAY_US,
    Period.YEAR: 365 * DAY_US,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One principal, one purpose, one period, some of his controllers."""

    services: Services
    principal: Principal
    purpose: Purpose
    controllers: tuple[str, ...]
    from_at: int
    to_at: int

    async def raw(self, name: str, **params: object) -> list[dict[str, object]]:
        """Run a named query inside the scope."""
        if not self.controllers:
            return []
        return await self.services.query(
            name,
            {"as_of": self.services.clock()} | {key: value for key, value in params.items() if value not in (None, "")},
            controllers=self.controllers,
            from_at=self.from_at,
            to_at=self.to_at,
            purpose=self.purpose,
            principal=self.principal.id,
        )

    async def rows(self, name: str, **params: object) -> list[Row]:
        """Run a named query and read its rows."""
        return [read_row(row) for row in await self.raw(name, **params)]

    async def record(self, act: ActKind, *, object_id: str, count: int) -> None:
        """Write the act of this look; durable on return."""
        await self.services.act(
            ActBody(
                act=act,
                principal=self.principal.id,
                role=self.principal.role_text,
                controllers=self.controllers,
                object=object_id,
                count=count,
                purpose=self.purpose,
            )
        )


def controllers_of(services: Services, principal: Principal) -> tuple[ControllerFacts, ...]:
    """The companies a principal may see, in the installation's order; a page names no other."""
    return tuple(facts for facts in services.controllers if facts.id in principal.controllers)


async def reader_for(
    request: Request[Any, Any, Any],
    purpose: Purpose,
    *,
    controller: str = "",
    period: Period = Period.DAY,
) -> Reader:
    """Make the reader of a request, narrowed to one controller when asked.

    Raises:
        RefusedError: `controller_unknown`; the refusal of another's controller is an act too.
    """
    services, principal = services_of(request), principal_of(request)
    assert principal is not None, "the guard stands before every reader"
    known = tuple(facts.id for facts in controllers_of(services, principal))
    if controller and controller not in known:
        # The id is named only when it is one of ours: free text never enters an entry.
        what = controller if services.controller(controller) else "controller_unknown"
        await services.act(refusal_act(principal, what))
        raise RefusedError("controller_unknown")
    now = services.clock()
    return Reader(
        services=services,
        principal=principal,
        purpose=purpose,
        controllers=(controller,) if controller else known,
        from_at=now - PERIOD_US[period],
        to_at=now + FUTURE_US,
    )


def sum_of(rows: list[dict[str, object]], field: str, where: Mapping[str, str] | None = None) -> int:
    """Add up a field over rows, only those whose other fields are as in `where`."""
    total = 0
    for row in rows:
        if all(str(row.get(key)) == value for key, value in (where or {}).items()):
            value = row.get(field)
            total += int(value) if isinstance(value, (int, float)) else 0
    return total
