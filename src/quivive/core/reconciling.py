"""Two sources of one database compared: on demand for the control socket, and once a day by itself.

`compare` is asked by `core.application_commands` and by the daily round of `core.alerting`. Must never name an agent, a
record or a statement: an incident says how many statements went past the relay, and when.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Final

from quivive.detection.counts import day_before, day_span, local_day
from quivive.detection.reconciliation import (
    CURSOR_US,
    TOLERANCE_US,
    Divergence,
    Reconciliation,
    known_skew,
    reconciliation,
)
from quivive.model.alert import Fact, IncidentBody, IncidentKind
from quivive.model.clock import HOUR_US, SECOND_US
from quivive.projection.projection import Projection
from quivive.projection.query import Scope
from quivive.settings import Settings

MARGIN_US: Final = 900 * SECOND_US
"""Around a compared period, how far the other half of a pair is looked for: cursors, long statements."""
DAY_DUE_AFTER_US: Final = HOUR_US
"""A log is late by minutes: a day is compared an hour after its end."""
DAYS_BACK: Final = 3
"""After a pause of the core, so many days are made up for."""
_INCIDENTS: Final = {Divergence.BYPASS: IncidentKind.BYPASS, Divergence.RELAY_ONLY: IncidentKind.LOG_HOLES}


def compare(
    projection: Projection,
    first: str,
    second: str,
    *,
    controller: str,
    from_at: int,
    to_at: int,
    purpose: str,
    principal: str,
    tolerance_us: int = TOLERANCE_US,
) -> Reconciliation:
    """Compare `second` with the relay `first` over a period of one controller.

    Raises:
        ProjectionUnavailableError: being rebuilt; ask again.
    """

    def scope(reach: int) -> Scope:
        return Scope(
            controllers=(controller,),
            from_at=max(from_at - reach, 0),
            to_at=to_at + reach,
            purpose=purpose,
            principal=principal,
        )

    params: dict[str, object] = {"first_source": first, "second_source": second}
    skew_us, pairs = known_skew(projection.query(scope(MARGIN_US), "reconcile_skew", params))
    params |= {"skew_us": skew_us, "tolerance_us": tolerance_us, "cursor_us": CURSOR_US}
    params |= {"count_from": from_at, "count_to": to_at}
    rows = projection.query(scope(MARGIN_US + abs(skew_us)), "reconcile", params)
    return reconciliation(first, second, rows, skew_us=skew_us, pairs=pairs, from_at=from_at, to_at=to_at)


class DailyComparison:
    """Compares each finished local day once. Called by the thread of the alerting, by nobody else."""

    def __init__(self, projection: Projection, settings: Settings, write: Callable[[IncidentBody], None]) -> None:
        self._projection, self._settings, self._write = projection, settings, write
        self._done: set[tuple[str, str]] = set()
        self._pairs = [
            (source.reconcile_with, name, source.controller)
            for name, source in settings.sources.items()
            if source.reconcile_with
        ]

    def round(self, now: int) -> None:
        """Compare what has become due; a day that an earlier core told is not told again."""
        for first, second, controller in self._pairs:
            zone = self._settings.controllers[controller].timezone
            for back in range(DAYS_BACK, 0, -1):
                day = day_before(local_day(now, zone), back)
                start, end = day_span(day, zone)
                if (second, day) in self._done or now < end + DAY_DUE_AFTER_US:
                    continue
                known = self._known(controller, start, end)
                for incident in self._incidents(first, second, controller, start, end):
                    if incident.incident not in known:
                        self._write(incident)
                self._done.add((second, day))

    def _known(self, controller: str, start: int, end: int) -> set[str]:
        scope = Scope(
            controllers=(controller,), from_at=start, to_at=end, purpose="reconciliation", principal="detection"
        )
        return {str(row["incident"]) for row in self._projection.query(scope, "incidents", {"limit": 1_000})}

    def _incidents(self, first: str, second: str, controller: str, start: int, end: int) -> Iterator[IncidentBody]:
        told = compare(
            self._projection,
            first,
            second,
            controller=controller,
            from_at=start,
            to_at=end,
            purpose="reconciliation",
            principal="detection",
        )
        for finding in told.findings:
            kind = _INCIDENTS.get(finding.code)
            if kind is None:
                continue
            text = f"reconcile\x1f{kind}\x1f{controller}\x1f{second}\x1f{start}"
            yield IncidentBody(
                incident=blake2b(text.encode(), digest_size=16).hexdigest(),
                incident_kind=kind,
                controller=controller,
                source=first if kind is IncidentKind.BYPASS else second,
                from_at=finding.from_at,
                to_at=finding.to_at,
                suppressed=0,
                facts=(Fact(name="count", value=finding.statements),),
            )
