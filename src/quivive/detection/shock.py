"""Common shock: when many of a group are unusual in the same hour, one cause lies outside them (detection ref. §6).

Called by `daily` before anybody is scored. Pure. Must never name an agent in what it returns: an incident counts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from scipy.stats import binom

from quivive.detection.counts import DayCount, HourCount
from quivive.detection.parameters import ResidualParameters, ShockParameters
from quivive.detection.peers import MEASURES, PeerGroup, exposure_of, group_of, mid_p
from quivive.detection.residual import DayScore
from quivive.model.alert import Fact, IncidentBody, IncidentKind
from quivive.model.clock import HOUR_US

LOST: Final = ("unexplained", "weak_excess")
"""Where a cause outside people shows: reasons that are missing. It never makes reasons that people made themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """A group (its path) was unusual together from `from_at` to `to_at`: `agents` of `present` agents."""

    path: tuple[str, ...]
    from_at: int
    to_at: int
    agents: int
    present: int


def shocked_hours(
    hours: Sequence[HourCount],
    day: Sequence[DayCount],
    groups: Mapping[tuple[str, ...], PeerGroup],
    residual: ResidualParameters,
    parameters: ShockParameters,
) -> tuple[Shock, ...]:
    """Hours in which more than the given share of a group is unusual; neighbouring hours are one shock.

    The widest group that is unusual stands for its parts.
    """
    counts = {count.ident: count for count in day}
    worked: dict[str, int] = defaultdict(int)
    for hour in hours:
        worked[hour.ident] += 1
    present: dict[tuple[int, tuple[str, ...]], list[float]] = defaultdict(list)
    for hour in hours:
        count = counts.get(hour.ident)
        group = group_of(groups, count.group) if count else None
        if count is None or group is None:
            continue
        exposure = exposure_of(count, residual) / worked[hour.ident]
        least = min(
            mid_p(getattr(hour, measure), group.norms[measure].rate * exposure, group.norms[measure].spread)
            for measure in LOST
        )
        for width in range(1, len(count.group) + 1):
            present[hour.hour_at, count.group[:width]].append(least)
    found: list[Shock] = []
    for (hour_at, path), values in sorted(present.items(), key=lambda each: (len(each[0][1]), each[0][1], each[0][0])):
        agents = unusual_together(values, parameters)
        if not agents or _covered(found, path, hour_at):
            continue
        before = found[-1] if found and found[-1].path == path and found[-1].to_at == hour_at else None
        if before is not None:
            found[-1] = replace(
                before, to_at=hour_at + HOUR_US, agents=max(before.agents, agents),
                present=max(before.present, len(values)),
            )  # fmt: skip
        else:
            found.append(Shock(path=path, from_at=hour_at, to_at=hour_at + HOUR_US, agents=agents, present=len(values)))
    return tuple(found)


def shocked_day(
    scores: Sequence[DayScore], span: tuple[int, int], parameters: ShockParameters
) -> tuple[tuple[Shock, ...], frozenset[str]]:
    """Groups unusual over the whole day, and the idents whose scores they suppress."""
    members: dict[tuple[str, ...], list[DayScore]] = defaultdict(list)
    for score in scores:
        for width in range(1, len(score.count.group) + 1):
            members[score.count.group[:width]].append(score)
    found: list[Shock] = []
    suppressed: set[str] = set()
    for path, group in sorted(members.items(), key=lambda each: (len(each[0]), each[0])):
        agents = unusual_together([min(score.p_of[measure] for measure in LOST) for score in group], parameters)
        if agents and not _covered(found, path, span[0]):
            found.append(Shock(path=path, from_at=span[0], to_at=span[1], agents=agents, present=len(group)))
            suppressed.update(score.count.ident for score in group)
    return tuple(found), frozenset(suppressed)


def unusual_together(values: Sequence[float], parameters: ShockParameters) -> int:
    """How many agents of a group are unusual by one cause, 0 when chance brings as many together (`values`: p)."""
    for p, usual in ((parameters.p, parameters.usual), (parameters.p_far, parameters.usual_far)):
        unusual = sum(value < p for value in values)
        if is_common(unusual, len(values), parameters, usual):
            return unusual
    return 0


def is_common(unusual: int, present: int, parameters: ShockParameters, usual: float) -> bool:
    """More than the share, of enough agents, and more than chance brings together: two of five are no crowd."""
    if present < parameters.agents_min or unusual <= parameters.share * present:
        return False
    return float(binom.sf(unusual - 1, present, usual)) <= parameters.chance


def without(day: Sequence[DayCount], hours: Sequence[HourCount], shocks: Sequence[Shock]) -> tuple[DayCount, ...]:
    """The day's counts less what fell in a shock of the agent's group."""
    groups = {count.ident: count.group for count in day}
    less: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(MEASURES, 0))
    for hour in hours:
        path = groups.get(hour.ident, ())
        if any(path[: len(s.path)] == s.path and s.from_at <= hour.hour_at < s.to_at for s in shocks):
            for measure in MEASURES:
                less[hour.ident][measure] += getattr(hour, measure)
    return tuple(
        replace(count, **{name: max(0, getattr(count, name) - by) for name, by in less[count.ident].items()})
        if count.ident in less
        else count
        for count in day
    )


def incident(shock: Shock, controller: str, suppressed: int) -> IncidentBody:
    """What is written in the place of alerts."""
    text = f"shock\x1f{controller}\x1f{'/'.join(shock.path)}\x1f{shock.from_at}"
    return IncidentBody(
        incident=blake2b(text.encode(), digest_size=16).hexdigest(),
        incident_kind=IncidentKind.COMMON_SHOCK,
        controller=controller,
        source="",
        from_at=shock.from_at,
        to_at=shock.to_at,
        suppressed=suppressed,
        facts=(Fact(name="count", value=shock.agents), Fact(name="peers", value=shock.present)),
    )


def _covered(found: Sequence[Shock], path: tuple[str, ...], at: int) -> bool:
    """A wider group is already known to be unusual at this instant."""
    return any(
        len(shock.path) < len(path) and path[: len(shock.path)] == shock.path and shock.from_at <= at < shock.to_at
        for shock in found
    )
