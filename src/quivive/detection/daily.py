"""One local day of one controller, once its verdicts are final: rules, residual, low-and-slow, shocks.

Called by `core.alerting` and by the benchmark. A pure function of final verdicts, facts and parameters: the
order, doubling and lateness of what arrived change nothing. Must never open an alert (that is the budget's).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Any, Final

from quivive.detection import rules as rule_engine
from quivive.detection.counts import (
    CountedAccess,
    accesses_behind,
    counting,
    day_before,
    day_counts,
    day_span,
    hour_counts,
)
from quivive.detection.day_statistics import day_statistics
from quivive.detection.low_and_slow import SlowSignal
from quivive.detection.parameters import DetectionParameters
from quivive.detection.peers import MEASURES
from quivive.detection.residual import DayScore, GroupDrift
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
    hours = hour_counts(projection, controller=controller, day=day, timezone=parameters.timezone)
    found = day_statistics(
        history,
        hours,
        parameters=parameters,
        controller=controller,
        day=day,
        alerted=alerted,
        slow=Switch.LOW_AND_SLOW in switches,
    )
    hits = [
        *(_residual_hits(projection, found.rare, parameters, controller, day) if Switch.RESIDUAL in switches else ()),
        *_slow_hits(projection, found.slow, parameters, controller, day),
    ]
    return DailyOutcome(hits=tuple(hits), incidents=found.incidents, drift=found.drift, scored=len(found.scores))


def _residual_hits(
    projection: Projection, rare: Sequence[DayScore], parameters: DetectionParameters, controller: str, day: str
) -> Iterator[Hit]:
    for from_day, idents in _by_first_day(rare).items():
        behind = _behind(projection, parameters, controller, from_day, day, idents)
        for score in rare:
            if score.window[0].day == from_day:
                facts = residual_facts(score)
                yield _hit(score.count.ident, RESIDUAL, behind, parameters, controller, day, facts, score.p_milli)


def _by_first_day(rare: Sequence[DayScore]) -> dict[str, list[str]]:
    """Idents by the first day that their score rests on."""
    found: dict[str, list[str]] = defaultdict(list)
    for score in rare:
        found[score.window[0].day].append(score.count.ident)
    return dict(sorted(found.items()))


def residual_facts(score: DayScore) -> dict[str, int]:
    """What an alert of the residual states; `days` only when several were looked at together."""
    return {
        **({"days": len(score.window)} if len(score.window) > 1 else {}),
        **{measure: sum(getattr(count, measure) for count in score.window) for measure in MEASURES},
        "contacts": sum(count.contacts for count in score.window),
        "peers": score.peers,
        "expected_milli": score.expected_milli,
        "expected_weak_milli": score.expected_milli_of["weak_excess"],
        "times_a_month_milli": score.times_a_month_milli,
        "q_milli": round(1_000 * score.q),
    }


def _slow_hits(
    projection: Projection, slow: Sequence[SlowSignal], parameters: DetectionParameters, controller: str, day: str
) -> Iterator[Hit]:
    for signal in slow:
        behind = _behind(projection, parameters, controller, signal.from_day, day, [signal.ident])
        facts = {
            "days": signal.days,
            "unexplained": signal.unexplained,
            "weak_excess": signal.weak_excess,
            "self_made": signal.self_made,
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
