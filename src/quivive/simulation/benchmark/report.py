"""Sums up what `bench.py` measured: every figure with its interval and its n, chance beside it.

Called by `quivive bench detection`. Pure. Must never leave a detector out because of its figures.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from quivive.simulation.benchmark.bench import Found, Results
from quivive.simulation.benchmark.measures import Figure, figure, median_figure


def summary(results: Results) -> dict[str, Any]:
    """Everything as plain values, for JSON."""
    scale = results.scale
    return {
        "scale": asdict(scale),
        "seconds": round(results.seconds, 1),
        "campaigns_skipped": results.skipped,
        "pyod": results.peers,
        "shares": {name: _shares(results, name) for name in sorted(results.shares)},
        "quiet_false_per_1000": {str(rate): asdict(figure(each)) for rate, each in results.quiet_alerts.items()},
        "detectors": [_line(name, found) for name, found in _grouped(results).items()],
    }


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Tables of a summary for a terminal; the English of the table's head is that of the JSON."""
    for profile, shares in told["shares"].items():
        yield f"shares of opened records, profile {profile} (n = {shares['opened']})"
        for name, share in shares.items():
            if isinstance(share, dict):
                yield f"  {name:<20} {_written(share, 100)} %"
    for rate, each in told["quiet_false_per_1000"].items():
        yield f"false alerts per 1000 agent-days without misuse, rate {rate}: {_written(each, 1)}"
    yield f"{'detector':<36} {'mode':<8} {'a day':>5} {'rate':>6}  found % [95 %] (n)      median day of found"
    for each in told["detectors"]:
        yield (
            f"{each['detector']:<36} {each['mode']:<8} {each['per_day']:>5} {each['rate']:>6}  "
            f"{_written(each['found'], 100):<23} {_written(each['day_when_found'], 1)}"
        )


def _grouped(results: Results) -> dict[tuple[str, int, float, str], list[Found]]:
    groups: dict[tuple[str, int, float, str], list[Found]] = defaultdict(list)
    for found in results.found:
        groups[found.mode, found.per_day, found.rate, found.detector].append(found)
    return dict(sorted(groups.items()))


def _line(name: tuple[str, int, float, str], found: list[Found]) -> dict[str, Any]:
    mode, per_day, rate, detector = name
    return {
        "detector": detector,
        "mode": mode,
        "per_day": per_day,
        "rate": rate,
        "found": asdict(figure([each.found for each in found])),
        "day_when_found": asdict(median_figure([float(each.day) for each in found if each.day])),
        "opened": sum(each.opened for each in found),
        "opened_false": sum(each.opened_false for each in found),
        "agent_days": sum(each.agent_days for each in found),
    }


def _shares(results: Results, profile: str) -> dict[str, Any]:
    every = [each for each in results.shares[profile] if each.opened]
    told: dict[str, Any] = {"opened": sum(each.opened for each in every)}
    for strength in ("strong", "medium", "weak", "unexplained"):
        told[strength] = asdict(figure([each.by_strength.get(strength, 0) / each.opened for each in every]))
    for name in ("wrong", "stray", "false_unexplained"):
        told[name] = asdict(figure([getattr(each, name) / each.opened for each in every]))
    return told


def _written(told: dict[str, Any], times: float) -> str:
    each = Figure(**told)
    if each.value is None or each.low is None or each.high is None:
        return "- (0)"
    return f"{each.value * times:.1f} [{each.low * times:.1f}, {each.high * times:.1f}] ({each.n})"
