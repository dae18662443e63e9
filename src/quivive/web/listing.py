"""Lists of episodes: one page of them with exclusions applied, its cursor and its facets.

Used by the Activity page, its live fragment and its JSON twin. Must never cut silently: a page that is
not the last always has a cursor.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from quivive.web.filters import FIELDS, Filters
from quivive.web.reading import Reader
from quivive.web.rows import Row

PAGE_ROWS: Final = 50
"""Episodes on a page."""
FACET_ROWS: Final = 500
"""Episodes that the facets count; the page says so."""
MAX_SCANS: Final = 6
"""Reads for one page when a filter excludes; the cursor goes on from there."""
TOP: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodePage:
    """One page. `next_before` 0 = last page; `sample` is what the facets count."""

    rows: tuple[Row, ...]
    next_before: int
    sample: tuple[Row, ...]


class Dated(Protocol):
    """A row with an instant."""

    @property
    def at(self) -> int: ...


def page_length(rows: Sequence[Dated], limit: int) -> int:
    """How many rows to show so that the next page, which starts *before* the last instant shown, skips none.

    Rows of the instant at the edge go to the next page together; only when one instant fills a whole page
    (`limit` rows of the same microsecond) the page is cut inside it.
    """
    if len(rows) <= limit:
        return len(rows)
    length = limit
    while length and rows[length - 1].at == rows[limit].at:
        length -= 1
    return length or limit


async def episodes(reader: Reader, filters: Filters, *, sample: int) -> EpisodePage:
    """Read a page of episodes, newest first. `sample` rows are read for the facets (at least a page)."""
    size = max(sample, PAGE_ROWS + 1)
    kept: list[Row] = []
    before, last = filters.before, False
    for _ in range(MAX_SCANS if filters.excludes() else 1):
        found = await reader.rows("activity", **filters.included(), before_at=before or None, limit=size)
        kept.extend(row for row in found if filters.keeps(row))
        # A short answer is not yet the end: one query looks at a bounded number of accesses.
        oldest = found[-1].at if found else 0
        last = not found or (len(found) < size and not await _older(reader, filters, oldest))
        if last or len(kept) > PAGE_ROWS:
            break
        before = found[-1].at
    shown = kept[: page_length(kept, PAGE_ROWS)]
    more = len(kept) > PAGE_ROWS or not last
    cursor = shown[-1].at if len(kept) > PAGE_ROWS else before
    return EpisodePage(rows=tuple(shown), next_before=cursor if more else 0, sample=tuple(kept))


async def _older(reader: Reader, filters: Filters, before: int) -> bool:
    return bool(await reader.rows("activity", **filters.included(), before_at=before, limit=1))


def facets(sample: Sequence[Row]) -> dict[str, list[tuple[str, int]]]:
    """Top values per filter field, over the sample."""
    counted = {field: Counter(getattr(row, field) for row in sample) for field in FIELDS}
    return {
        field: [(value, count) for value, count in counter.most_common(TOP) if value]
        for field, counter in counted.items()
    }
