"""One local day of one controller, once its verdicts are final: rules, residual, low-and-slow, shocks.

Called by `core.alerting` and by the benchmark. A pure function of final verdicts, facts and parameters: the
order, doubling and lateness of what arrived change nothing. Must never open an alert (that is the budget's).
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from quivive.detection.parameters import DetectionParameters
from quivive.detection.residual import GroupDrift
from quivive.model.alert import Hit, IncidentBody, Switch
from quivive.projection.projection import Projection


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
    switches: Set[Switch],
    parameters: DetectionParameters,
    controller: str,
    day: str,
    as_of: int,
    alerted: Set[tuple[str, str]] = frozenset(),
) -> DailyOutcome:
    """Find what is rare on `day` (local, `yyyymmdd`, time zone in `parameters`)."""
    raise NotImplementedError


def daily_hits(
    projection: Projection,
    *,
    rules: Sequence[Any],
    switches: Set[Switch],
    parameters: DetectionParameters,
    controller: str,
    day: str,
    as_of: int,
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
    ).hits


def audit_pool(
    projection: Projection,
    *,
    parameters: DetectionParameters,
    controller: str,
    day: str,
    seed: bytes,
    wanted: Mapping[str, int],
) -> tuple[Hit, ...]:
    """Draw explained accesses of the day for the random audit: `wanted` = {"weak": n, "explained": n}."""
    raise NotImplementedError
