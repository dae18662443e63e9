"""What the counts of one local day say beside those of the days before: shocks first, then the rare, then the slow.

Called by `daily` (which reads the counts) and by the benchmark (which has them at hand). Pure: a function of counts
and parameters. Must never see an access or a record, nor open an alert.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from quivive.detection.counts import DayCount, HourCount, day_span
from quivive.detection.low_and_slow import SlowSignal, signals
from quivive.detection.parameters import DetectionParameters
from quivive.detection.peers import PeerGroup, peer_groups
from quivive.detection.residual import DayScore, GroupDrift, cold, drift, score_day, training_days
from quivive.detection.shock import Shock, incident, shocked_day, shocked_hours, without
from quivive.model.alert import IncidentBody


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStatistics:
    """Scores of everybody, those rare enough for a hit, charts that crossed, incidents, drift."""

    scores: tuple[DayScore, ...] = ()
    rare: tuple[DayScore, ...] = ()
    slow: tuple[SlowSignal, ...] = ()
    incidents: tuple[IncidentBody, ...] = ()
    drift: tuple[GroupDrift, ...] = ()


def day_statistics(
    history: Sequence[DayCount],
    hours: Sequence[HourCount],
    *,
    parameters: DetectionParameters,
    controller: str,
    day: str,
    alerted: AbstractSet[tuple[str, str]] = frozenset(),
    slow: bool = True,
    drifting: bool = True,
    groups: Mapping[tuple[str, ...], PeerGroup] | None = None,
) -> DayStatistics:
    """Look at `day`. `history`: counts of one controller, of the trailing days and of the day; `hours`: of the day.

    `groups`: peers' norms that are fitted already (the benchmark, which scores the same days many times).
    """
    residual = parameters.residual
    training = training_days(history, day, residual, alerted)
    if cold(training, day, residual):
        return DayStatistics()
    today = [count for count in history if count.day == day]
    groups = peer_groups(training, residual) if groups is None else groups
    shocks = shocked_hours(hours, today, groups, residual, parameters.shock)
    kept = (*(count for count in history if count.day != day), *without(today, hours, shocks))
    scores = score_day(kept, day, residual, alerted=alerted, groups=groups)
    of_day, suppressed = shocked_day(scores, day_span(day, parameters.timezone), parameters.shock)
    charts = signals(kept, day, residual, parameters.low_and_slow, alerted=alerted, groups=groups) if slow else ()
    return DayStatistics(
        scores=scores,
        rare=tuple(s for s in scores if s.p <= residual.p_hit and s.count.ident not in suppressed),
        slow=tuple(each for each in charts if each.ident not in suppressed),
        incidents=_incidents((*shocks, *of_day), today, controller),
        drift=drift(kept, day, residual, alerted=alerted) if drifting else (),
    )


def _incidents(shocks: Sequence[Shock], today: Sequence[DayCount], controller: str) -> tuple[IncidentBody, ...]:
    """Each shock with the agents of its group, whose counts in it were set aside."""
    return tuple(
        incident(shock, controller, sum(c.group[: len(shock.path)] == shock.path for c in today)) for shock in shocks
    )
