"""How many distinct records agents were shown in the last hour: the one figure behind an agent's limit (SQL edge).

Called by `core.limits`. Reads the hot projection only. Must never store a figure, nor tell one that is below the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from quivive.projection.projection import Projection
from quivive.projection.store import read_sql


@dataclass(frozen=True, slots=True, kw_only=True)
class OverLimit:
    """An agent (AgentKey) who was shown more; `last_at` is the latest of these accesses."""

    agent: str
    records: int
    last_at: int


def over_limit(
    projection: Projection, *, controller: str, since: int, most: int, reference: Sequence[str] = ()
) -> tuple[OverLimit, ...]:
    """Agents who were shown more than `most` distinct records of a controller since an instant.

    `reference`: tables whose records count for nothing.
    """
    params = {"controller": controller, "since": since, "most": most, "reference": list(reference)}
    with projection.reading() as cursor:
        rows = cursor.execute(_text(), params).fetchall()
    return tuple(
        OverLimit(agent=f"{high:016x}{low:016x}", records=int(records), last_at=int(last_at))
        for high, low, records, last_at in rows
    )


@cache
def _text() -> str:
    return read_sql("quivive.detection", "counting", "shown_since.sql")
