"""One local day of one controller, once its verdicts are final: rules, residual, low-and-slow, shocks.

Called by `core.alerting` and by the benchmark. A pure function of final verdicts, facts and parameters: the
order, doubling and lateness of what arrived change nothing. Must never open an alert (that is the budget's).
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Any, Final

from quivive.detection import rules as rule_engine
from quivive.detection.counts import (
    CountedAccess,
    DayCount,
    accesses_behind,
    counting,
    day_before,
    day_counts,
    day_span,
    hour_counts,
)
from quivive.detection.low_and_slow import SlowSignal, signals
from quivive.detection.parameters import DetectionParameters
from quivive.detection.peers import peer_groups
from quivive.detection.residual import DayScore, GroupDrift, cold, drift, score_day, training_days
from quivive.detection.shock import Shock, incident, shocked_day, shocked_hours, without
from quivive.model.alert import MAX_ALERT_ACCESSES, AlertOrigin, Fact, Hit, IncidentBody, Severity, Switch
from quivive.projection.projection import Projection
from quivive.projection.store import read_sql

RANDOM_AUDIT: Final = "random_audit"
RESIDUAL: Final = "residual"
LOW_AND_SLOW: Final = "low_and_slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyOutcome:
    """Hits in deterministic order; incidents in the place of many; drift of the model; agents scored."""

    hits: tuple[Hit, ...]
    incidents: tuple[IncidentBody, ...]
    drift: tuple[GroupDrift, ...]
    scored: int


def daily(
    projection: Projection,
    *,
    rules: Sequence[Any],
    switches: AbstractSet[Switch],
    parameters: DetectionParameters,
    controller: str,
    day: str,
    as_of: int,
    alerted: AbstractSet[tuple[str, str]] = frozenset(),
) -> DailyOutcome:
    """Find what is rare on `day` (local, `yyyymmdd`, time zone in `parameters`).

    `alerted` are (ident, day) of earlier days that an alert names: they are no example of an ordinary day.
    """
    start, end = day_span(day, parameters.timezone)
    hits: list[Hit] = []
    if rules:
        hits.extend(
            rule_engine.hits(
                projection,
                rules,
                controllers=(controller,),
                from_at=start,
                to_at=end,
                as_of=as_of,
                certain_only=False,
                switches=switches,
                timezones={controller: parameters.timezone},
            )
        )
    statistics = DailyOutcome(hits=(), incidents=(), drift=(), scored=0)
    if switches & {Switch.RESIDUAL, Switch.LOW_AND_SLOW}:
        statistics = _statistics(projection, switches, parameters, controller, day, alerted)
    return DailyOutcome(
        hits=tuple(sorted((*hits, *statistics.hits), key=lambda hit: (hit.topic, hit.ident, hit.from_at, hit.to_at))),
        incidents=statistics.incidents,
        drift=statistics.drift,
        scored=statistics.scored,
    )


def daily_hits(
    projection: Projection,
    *,
    rules: Sequence[Any],
    switches: AbstractSet[Switch],
    parameters: DetectionParameters,
    controller: str,
    day: str,
    as_of: int,
    alerted: AbstractSet[tuple[str, str]] = frozenset(),
) -> tuple[Hit, ...]:
    """Only the hits of `daily`."""
    return daily(
        projection,
        rules=rules,
        switches=switches,
        parameters=parameters,
        controller=controller,
        day=day,
        as_of=as_of,
        alerted=alerted,
    ).hits


def _statistics(
    projection: Projection,
    switches: AbstractSet[Switch],
    parameters: DetectionParameters,
    controller: str,
    day: str,
    alerted: AbstractSet[tuple[str, str]],
) -> DailyOutcome:
    since = day_before(day, parameters.residual.group_days)
    zones = {controller: parameters.timezone}
    history = day_counts(projection, controllers=(controller,), from_day=since, to_day=day, timezones=zones)
    training = training_days(history, day, parameters.residual, alerted)
    if cold(training, day, parameters.residual):
        return DailyOutcome(hits=(), incidents=(), drift=(), scored=0)
    today = [count for count in history if count.day == day]
    hours = hour_counts(projection, controller=controller, day=day, timezone=parameters.timezone)
    groups = peer_groups(training, parameters.residual)
    shocks = shocked_hours(hours, today, groups, parameters.residual, parameters.shock)
    kept = (*(count for count in history if count.day != day), *without(today, hours, shocks))
    scores = score_day(kept, day, parameters.residual, alerted=alerted)
    of_day, suppressed = shocked_day(scores, day_span(day, parameters.timezone), parameters.shock)
    rare = [s for s in scores if s.p <= parameters.residual.p_hit and s.count.ident not in suppressed]
    slow: tuple[SlowSignal, ...] = ()
    if Switch.LOW_AND_SLOW in switches:
        found = signals(kept, day, parameters.residual, parameters.low_and_slow, alerted=alerted)
        slow = tuple(each for each in found if each.ident not in suppressed)
    hits = [
        *(_residual_hits(projection, rare, parameters, controller, day) if Switch.RESIDUAL in switches else ()),
        *_slow_hits(projection, slow, parameters, controller, day),
    ]
    return DailyOutcome(
        hits=tuple(hits),
        incidents=_incidents((*shocks, *of_day), today, controller),
        drift=drift(kept, day, parameters.residual, alerted=alerted),
        scored=len(scores),
    )


def _incidents(shocks: Sequence[Shock], today: Sequence[DayCount], controller: str) -> tuple[IncidentBody, ...]:
    """Each shock with the agents of its group, whose counts in it were set aside."""
    return tuple(
        incident(shock, controller, sum(c.group[: len(shock.path)] == shock.path for c in today)) for shock in shocks
    )


def _residual_hits(
    projection: Projection, rare: Sequence[DayScore], parameters: DetectionParameters, controller: str, day: str
) -> Iterator[Hit]:
    behind = _behind(projection, parameters, controller, day, day, [score.count.ident for score in rare])
    for score in rare:
        facts = {
            "unexplained": score.count.unexplained,
            "weak_excess": score.count.weak_excess,
            "contacts": score.count.contacts,
            "peers": score.peers,
            "expected_milli": score.expected_milli,
            "expected_weak_milli": score.expected_weak_milli,
            "times_a_month_milli": score.times_a_month_milli,
            "q_milli": round(1_000 * score.q),
        }
        yield _hit(score.count.ident, RESIDUAL, behind, parameters, controller, day, facts, score.p_milli)


def _slow_hits(
    projection: Projection, slow: Sequence[SlowSignal], parameters: DetectionParameters, controller: str, day: str
) -> Iterator[Hit]:
    for signal in slow:
        behind = _behind(projection, parameters, controller, signal.from_day, day, [signal.ident])
        facts = {
            "days": signal.days,
            "unexplained": signal.unexplained,
            "weak_excess": signal.weak_excess,
            "contacts": signal.contacts,
            "peers": signal.peers,
            "expected_milli": signal.expected_milli,
            "factor_milli": signal.factor_milli,
        }
        rarity = round(signal.statistic_milli / log(10))
        yield _hit(signal.ident, LOW_AND_SLOW, behind, parameters, controller, day, facts, rarity)


def _hit(
    ident: str,
    topic: str,
    behind: Mapping[str, Sequence[CountedAccess]],
    parameters: DetectionParameters,
    controller: str,
    day: str,
    facts: Mapping[str, int],
    p_milli: int,
) -> Hit:
    accesses = behind.get(ident, ())
    start, end = day_span(day, parameters.timezone)
    return Hit(
        controller=controller,
        ident=ident,
        topic=topic,
        origin=AlertOrigin(topic),
        severity=Severity.MEDIUM,
        rule_version=parameters.version(),
        from_at=accesses[0].at if accesses else start,
        to_at=accesses[-1].at if accesses else end,
        day=day,
        accesses=tuple(dict.fromkeys(each.access for each in accesses))[:MAX_ALERT_ACCESSES],
        facts=tuple(Fact(name=name, value=value) for name, value in facts.items()),
        p_milli=p_milli,
    )


def _behind(
    projection: Projection,
    parameters: DetectionParameters,
    controller: str,
    from_day: str,
    day: str,
    idents: Sequence[str],
) -> dict[str, tuple[CountedAccess, ...]]:
    if not idents:
        return {}
    return accesses_behind(
        projection,
        controller=controller,
        from_day=from_day,
        to_day=day,
        timezone=parameters.timezone,
        idents=idents,
    )


def audit_pool(
    projection: Projection,
    *,
    parameters: DetectionParameters,
    controller: str,
    day: str,
    seed: bytes,
    wanted: Mapping[str, int],
) -> tuple[Hit, ...]:
    """Draw explained accesses of the day for the random audit: `wanted` = {"weak": n, "explained": n}.

    The order is that of a hash of seed and access: everybody may recompute the draw, nobody may foresee it.
    """
    zones = {controller: parameters.timezone}
    start, end = day_span(day, parameters.timezone)
    drawn: list[Hit] = []
    with counting(projection, (controller,), day, day, zones) as cursor:
        for name in ("weak", "explained"):
            rows = cursor.execute(
                _audit_text(),
                {
                    "controller": controller,
                    "from_at": start,
                    "to_at": end,
                    "weak": name == "weak",
                    "seed": seed.hex(),
                    "limit": wanted.get(name, 0),
                },
            ).fetchall()
            drawn.extend(
                Hit(
                    controller=controller,
                    ident=f"{high:016x}{low:016x}",
                    topic=RANDOM_AUDIT,
                    origin=AlertOrigin.RANDOM_AUDIT,
                    severity=Severity.LOW,
                    rule_version=parameters.version(),
                    from_at=at,
                    to_at=at,
                    day=day,
                    accesses=(f"{access_high:016x}{access_low:016x}",),
                    facts=(Fact(name="weak", value=int(name == "weak")),),
                )
                for high, low, access_high, access_low, at in rows
            )
    return tuple(drawn)


@cache
def _audit_text() -> str:
    return read_sql("quivive.detection", "counting", "audit.sql")
