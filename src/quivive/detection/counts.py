"""Counts per agent, controller and local day, from final verdicts: the input of the residual (SQL edge).

Called by `daily` and by the benchmark. Counts live in memory for the length of one computation: must never
be stored, shown per agent, or hold a measure of work other than the contacts that a count is compared to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quivive.projection.projection import Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """One agent's day with one controller.

    Fields:
        ident: 32 hex digits, the person when known, else the account. day: local day `yyyymmdd`.
        group: peer group from wide to narrow, e.g. ("aurore", "call", "support", "settled"); no personal attribute.
        unexplained: distinct subjects opened with no reason at all, final (U).
        weak_excess: subjects beyond the first per unidentified call, of self-made tickets and callbacks, of
            previews not dialled, of declared reasons (W).
        contacts: contacts handled, what U and W are compared to (calls, tickets, conversations…).
    """

    controller: str
    ident: str
    day: str
    group: tuple[str, ...]
    unexplained: int
    weak_excess: int
    contacts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCount:
    """The same counts in one hour (`hour_at`, microseconds UTC) of one day: only to see a common cause."""

    controller: str
    ident: str
    hour_at: int
    group: tuple[str, ...]
    unexplained: int
    weak_excess: int


def day_counts(
    projection: Projection,
    *,
    controllers: Sequence[str],
    from_day: str,
    to_day: str,
    timezones: Mapping[str, str] | None = None,
) -> tuple[DayCount, ...]:
    """Count every agent's local days from `from_day` to `to_day` inclusive, ordered by controller, ident, day.

    An agent's day appears when the agent handled a contact or opened a record on it. Days of a controller without
    an entry in `timezones` are UTC days. Only idents whose establishment is `active` (modules access and residual).
    """
    raise NotImplementedError
