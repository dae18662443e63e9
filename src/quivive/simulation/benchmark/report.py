"""Sums up what `bench.py` measured: every figure with its interval and its n, chance beside it.

Called by `quivive bench detection`. Pure. Intervals are over centres: campaigns of one centre are averaged first,
since they share its chance. Must never leave a detector out because of its figures.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from quivive.simulation.benchmark.bench import CHANCE, PRODUCT, RANKED, RULES, Found, Quiet, Results
from quivive.simulation.benchmark.evidence import Evidence
from quivive.simulation.benchmark.measures import Figure, figure, median_figure

PREVALENCE: Final = 0.005
"""Share of agents who misuse anything in ten days: detection reference §8."""
THRESHOLDS: Final = (0.05, 0.02, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003, 0.00001)
RARE: Final = 0.01


def summary(results: Results) -> dict[str, Any]:
    """Everything as plain values, for JSON."""
    return {
        "scale": asdict(results.scale),
        "seconds": round(results.seconds, 1),
        "centres": len(results.evidence),
        "campaigns_skipped": sum(each.skipped for each in results.evidence),
        "pyod": results.peers,
        "shares": _by_profile(results),
        "quiet": _quiet(results),
        "false_by_group": _groups(results.quiet),
        "thresholds": _thresholds(results),
        "detectors": [_line(name, found) for name, found in _grouped(results).items()],
    }


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Tables of a summary for a terminal; the English of the table's head is that of the JSON."""
    for profile, shares in told["shares"].items():
        yield f"shares of opened records, profile {profile} (n = {shares['opened']} records)"
        for name, share in shares.items():
            if isinstance(share, dict):
                yield f"  {name:<24} {_written(share, 100)} %"
    for name, each in told["quiet"].items():
        yield f"without misuse, per 1000 agent-days, {name}: {_written(each, 1000)}"
    for name, each in told["false_by_group"].items():
        yield f"agent-days below p = {RARE} without misuse, {name:<16} {_written(each, 100)} %"
    if told["thresholds"]:
        yield (
            "threshold p   false per 1000 agent-days   idle 8 %   hidden 8 %   "
            f"precision % at {PREVALENCE:.1%} of agents"
        )
    for row in told["thresholds"]:
        yield (
            f"{row['p']:<12}  {row['false_per_1000']:>8.2f}                    {100 * row['idle']:>6.0f}     "
            f"{100 * row['hidden']:>6.0f}       {100 * row['precision']:>5.1f}"
        )
    yield (
        f"{'scenario, mode, a day':<24} {'detector':<36} {'rate':>6}  {'found % [95 %] (centres)':<28} "
        "median day   median records before the alert"
    )
    for each in told["detectors"]:
        name = f"{each['scenario']} {each['mode']} {each['per_day']}"
        yield (
            f"{name:<24} {each['detector']:<36} {each['rate']:>6}  {_written(each['found'], 100):<28} "
            f"{_short(each['day_when_found'])}         {_short(each['exposed'])} of {_short(each['campaign'])}"
        )


def _by_profile(results: Results) -> dict[str, Any]:
    profiles = sorted({each.profile for each in results.evidence})
    return {name: _shares([each for each in results.evidence if each.profile == name]) for name in profiles}


def _shares(every: Sequence[Evidence]) -> dict[str, Any]:
    shares = [each.shares for each in every if each.shares.opened]
    told: dict[str, Any] = {"opened": sum(each.opened for each in shares)}
    for strength in ("strong", "medium", "weak", "unexplained"):
        told[strength] = asdict(figure([each.by_strength.get(strength, 0) / each.opened for each in shares]))
    good = [sum(each.by_strength.get(s, 0) for s in ("strong", "medium")) / each.opened for each in shares]
    told["strong or medium"] = asdict(figure(good))
    for name in ("wrong", "stray", "false_unexplained"):
        told[name] = asdict(figure([getattr(each, name) / each.opened for each in shares]))
    return told


def _quiet(results: Results) -> dict[str, Any]:
    quiet = [each for each in results.quiet if each.agent_days]
    told = {
        f"alerts at rate {rate}": asdict(figure([each.opened[rate] / each.agent_days for each in quiet]))
        for rate in results.scale.rates
        if quiet
    }
    names: dict[str, Callable[[Quiet], float]] = {
        "low-and-slow signals": lambda each: each.low_and_slow,
        "incidents of common shock": lambda each: each.incidents,
        "hits of all shipped rules": lambda each: sum(each.rules.values()),
    }
    for name, value in names.items():
        told[name] = asdict(figure([value(each) / each.agent_days for each in quiet]))
    for topic in sorted({topic for each in quiet for topic in each.rules}):
        told[f"hits of rule {topic}"] = asdict(figure([each.rules.get(topic, 0) / each.agent_days for each in quiet]))
    return told


def _groups(quiet: Sequence[Quiet]) -> dict[str, Any]:
    """Share of ordinary agent-days with a rare p-value, by staff group; centres without the group left out."""
    found: dict[str, list[float]] = defaultdict(list)
    for each in quiet:
        for name, values in each.p_by_group.items():
            if values:
                found[name].append(sum(p <= RARE for p in values) / len(values))
    return {name: asdict(figure(values)) for name, values in sorted(found.items())}


def _thresholds(results: Results) -> list[dict[str, float]]:
    """The curve: what an alert on every agent whose p falls below a threshold would find, and cost.

    Precision: campaigns among alerts when `PREVALENCE` of the agents misuse (half idle, half hidden, 8 a day) within
    the ten days and nobody is alerted twice.
    """
    agents = [p for each in results.quiet for p in each.p_of_agent.values()]
    days = sum(each.agent_days for each in results.quiet)
    if not agents or not days:
        return []
    rows = []
    for threshold in THRESHOLDS:
        false = sum(p <= threshold for p in agents)
        recall = {}
        for mode in ("idle", "hidden"):
            own = [p for _, i, p in results.p_of_campaign if (i.mode, i.per_day) == (mode, 8) and i.scenario in {1, 25}]
            recall[mode] = sum(p <= threshold for p in own) / len(own) if own else 0.0
        right = PREVALENCE * (recall["idle"] + recall["hidden"]) / 2
        wrong = (1 - PREVALENCE) * false / len(agents)
        rows.append(
            {
                "p": threshold,
                "false_per_1000": 1_000 * false / days,
                **recall,
                "precision": right / (right + wrong) if right + wrong else 0.0,
            }
        )
    return rows


_ORDER: Final = {name: place for place, name in enumerate((PRODUCT, RANKED, RULES, CHANCE))}


def _grouped(results: Results) -> dict[tuple[int, str, int, float, int, str], list[Found]]:
    groups: dict[tuple[int, str, int, float, int, str], list[Found]] = defaultdict(list)
    for found in results.found:
        intent = found.intent
        order = _ORDER.get(found.detector, len(_ORDER))
        groups[intent.scenario, intent.mode, intent.per_day, found.rate, order, found.detector].append(found)
    return dict(sorted(groups.items()))


def _line(name: tuple[int, str, int, float, int, str], found: list[Found]) -> dict[str, Any]:
    scenario, mode, per_day, rate, _, detector = name
    return {
        "detector": detector,
        "scenario": scenario,
        "mode": mode,
        "per_day": per_day,
        "rate": rate,
        "campaigns": len(found),
        "found": asdict(figure(_by_seed(found, lambda each: each.found))),
        "day_when_found": asdict(median_figure([float(each.day) for each in found if each.day])),
        "exposed": asdict(median_figure([float(each.exposed) for each in found])),
        "campaign": asdict(median_figure([float(each.campaign) for each in found])),
    }


def _by_seed(found: Iterable[Found], value: Callable[[Found], float]) -> list[float]:
    sums: dict[int, list[float]] = defaultdict(list)
    for each in found:
        sums[each.seed].append(value(each))
    return [sum(values) / len(values) for _, values in sorted(sums.items())]


def _written(told: dict[str, Any], times: float) -> str:
    each = Figure(**told)
    if each.value is None or each.low is None or each.high is None:
        return "- (0)"
    return f"{each.value * times:.1f} [{each.low * times:.1f}, {each.high * times:.1f}] ({each.n})"


def _short(told: dict[str, Any]) -> str:
    value = told["value"]
    return "-" if value is None else f"{value:.0f}"
