"""How complete the capture of one controller was on one day: numbers, signs of life, gaps, counts by shape (DESIGN §2).

Called by the command and by reports. Must never call a day complete whose sources were silent at its end: the tree
proves that nothing was altered, only this shows that nothing is missing.
"""

from enum import StrEnum
from typing import Any, Final

from quivive.ledger.log import Ledger
from quivive.model.clock import DAY_US, MINUTE_US, Micros, to_rfc3339, utc_day
from quivive.projection.projection import Projection
from quivive.projection.query import Scope

SILENT_AFTER_US: Final = 2 * MINUTE_US
"""A source that is not complete up to so long ago is silent; its own limit may be longer, this one is never shorter."""
PURPOSE: Final = "completeness"


class DayState(StrEnum):
    """The worst that is known of one source's day."""

    COMPLETE = "complete"
    SILENT = "silent"
    GAPS = "gaps"
    NUMBERS_MISSING = "numbers_missing"
    NO_SIGN = "no_sign_of_life"


def complete(
    projection: Projection, ledger: Ledger, controller: str, *, from_at: int, now: int, principal: str
) -> dict[str, Any]:
    """Report one UTC day of one controller.

    Raises:
        ProjectionUnavailableError: being rebuilt; ask again.
        StorageError: a segment cannot be read.
    """
    scope = Scope(
        controllers=(controller,), from_at=from_at, to_at=from_at + DAY_US, purpose=PURPOSE, principal=principal
    )
    day = utc_day(Micros(from_at))
    numbers = {each.source: each for each in ledger.numbers(controller, day)}
    rows = {str(row["source"]): row for row in projection.query(scope, "completeness", {})}
    sources = []
    for name in sorted({*numbers, *rows}):
        row, counted = rows.get(name, {}), numbers.get(name)
        told = {each: int(str(row.get(each) or 0)) for each in _COUNTS}
        missing = counted.missing if counted else 0
        sources.append(
            {
                "source": name,
                "entries": counted.entries if counted else 0,
                "epochs": counted.epochs if counted else 0,
                "missing": missing,
                **told,
                "complete_to": to_rfc3339(Micros(told["complete_to"])) if told["complete_to"] else "",
                "state": judge(missing, told["gaps"], told["complete_to"], min(from_at + DAY_US, now)),
            }
        )
    shapes = projection.query(scope, "completeness_shapes", {"limit": 200})
    return {
        "controller": controller,
        "day": day,
        "sources": sources,
        "shapes": [{**row, "tables": ",".join(_names(row["tables"]))} for row in shapes],
    }


def judge(missing: int, gaps: int, complete_to: int, until: int) -> DayState:
    """The worst that is known; pure."""
    if missing:
        return DayState.NUMBERS_MISSING
    if gaps:
        return DayState.GAPS
    if not complete_to:
        return DayState.NO_SIGN
    return DayState.SILENT if complete_to < until - SILENT_AFTER_US else DayState.COMPLETE


def _names(tables: object) -> tuple[str, ...]:
    return tables if isinstance(tables, tuple) else (str(tables),)


_COUNTS: Final = ("accesses", "counted_statements", "complete_to", "gaps", "lost", "unknown_gaps", "blind_us")
