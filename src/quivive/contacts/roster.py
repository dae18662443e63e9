"""Rows of the roster: a person is planned from–to (DESIGN §5).

Called by `quivive.intake` for `POST /v1/roster`. Pure. Must never carry an activity, a break or a count:
a shift is a reason to be at work, never a measure of it (law reference §4).
"""

from dataclasses import dataclass, field
from typing import Final

from quivive.model.clock import HOUR_US
from quivive.model.contact import ShiftBody
from quivive.privacy.pseudonym import person_key, shift_key
from quivive.rows import FieldError, Row

MAX_SHIFT_US: Final = 48 * HOUR_US
"""Length of one shift, microseconds: an on-call week-end; longer is a mistake that would explain too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterContext:
    """The source and the operator's own agent key (32 bytes)."""

    source: str
    operator_agent_key: bytes = field(repr=False)


def map_shift(row: Row, context: RosterContext) -> ShiftBody:
    """Map one version of one shift.

    Raises:
        FieldError: the first field that is wrong.
    """
    native = row.native_id()
    from_at, to_at = row.instant("from"), row.instant("to")
    if not from_at < to_at <= from_at + MAX_SHIFT_US:
        raise FieldError(row.where("to"), "an instant after `from`, at most 48 hours later", "another instant")
    body = ShiftBody(
        shift=shift_key(context.operator_agent_key, context.source, native),
        version=row.integer("version"),
        person=person_key(context.operator_agent_key, row.native_id("agent")),
        from_at=from_at,
        to_at=to_at,
        cancelled=row.boolean("cancelled", default=False),
    )
    row.done()
    return body
