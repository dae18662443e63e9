"""How many distinct records people were shown in the last hour: the one figure behind an agent's limit (SQL edge).

Called by `core.limits`. Reads the hot projection only. Must never store a figure, nor tell one that is below the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from quivive.model.clock import HOUR_US
from quivive.projection.projection import Projection
from quivive.projection.store import read_sql


@dataclass(frozen=True, slots=True, kw_only=True)
class OverLimit:
    """An account (AgentKey) of somebody who was shown more, by it or another; `last_at` is the latest access."""

    agent: str
    records: int
    last_at: int


def over_limit(
    projection: Projection, *, controller: str, since: int, most: int, reference: Sequence[str] = (), at: int = 0
) -> tuple[OverLimit, ...]:
    """Accounts of those who were shown more than `most` distinct records of a controller since an instant.

    Accounts that the directory gives to one person at the time count together, and those held `at` (an hour after
    `since`) are all told. `reference`: tables whose records count for nothing.
    """
    params = {"controller": controller, "since": since, "most": most, "reference": list(reference)}
    params["at"] = at or since + HOUR_US
    with projection.reading() as cursor:
        rows = cursor.execute(_text(), params).fetchall()
    return tuple(
        OverLimit(agent=f"{high:016x}{low:016x}", records=int(records), last_at=int(last_at))
        for high, low, records, last_at in rows
    )


@cache
def _text() -> str:
    return read_sql("quivive.detection", "counting", "shown_since.sql")
