"""Misuse added to the counts of one centre, one agent at a time: many campaigns for the price of one judgement.

Called by whoever measures (`python -m quivive.simulation.benchmark.inject`); figures in bench/README.md. Cheaper and
kinder than `bench.py`: every misused record becomes one unit. Must never be quoted as the whole path.
"""

import json
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from quivive.detection.counts import DayCount
from quivive.detection.parameters import DetectionParameters
from quivive.simulation.benchmark.evidence import CAMPAIGN_DAYS
from quivive.simulation.benchmark.generate import Options, generate
from quivive.simulation.benchmark.measures import AgentDay, chance_detection, figure, top_detection
from quivive.simulation.benchmark.run import counts_of, load, scores_of

RATES: Final = (0.005, 0.01, 0.02)
DRAWS: Final = 60


def with_units(counts: Sequence[DayCount], ident: str, days: Sequence[str], mode: str, units: int) -> list[DayCount]:
    """Add units to one count of each of the agent's days."""
    given = set[str]()
    changed = []
    for count in counts:
        if count.ident == ident and count.day in days and count.day not in given:
            given.add(count.day)
            idle, hidden = (units, 0) if mode == "idle" else (0, units)
            changed.append(replace(count, unexplained=count.unexplained + idle, weak_excess=count.weak_excess + hidden))
        else:
            changed.append(count)
    return changed


def found_by(
    counts: Sequence[DayCount], days: Sequence[str], ident: str, mode: str, rate: float, lot: int, timezone: str
) -> tuple[float, float, float]:
    """Tell what the score, the plain count and chance find of the agent whose counts hold misuse."""
    ranked: dict[AgentDay, float] = {(c.ident, c.day): 0.0 for c in counts if c.day in days}
    plain = dict(ranked)
    for (_, who, day), score in scores_of(counts, days, DetectionParameters(timezone=timezone)).items():
        ranked[who, day] = max(ranked.get((who, day), 0.0), -math.log(score.p))
    for c in counts:
        if c.day in days:
            plain[c.ident, c.day] += c.unexplained if mode == "idle" else c.weak_excess

    def guilty(name: AgentDay) -> bool:
        return name[0] == ident

    return (
        float(top_detection(ranked, guilty, rate=rate, seed=lot)[0]),
        float(top_detection(plain, guilty, rate=rate, seed=lot)[0]),
        chance_detection(ranked, guilty, rate=rate, seed=lot, times=DRAWS),
    )


def main(seed: int, agents: int, days: int, units: int) -> None:
    """Print one JSON line a mode and rate."""
    feed = generate(Options(seed=seed, agents=agents, days=days))
    with tempfile.TemporaryDirectory(prefix="quivive-bench-") as home:
        judged = load(feed, Path(home) / "feed")
        counts = counts_of(judged)
        judged.close()
    last = sorted({count.day for count in counts})[-CAMPAIGN_DAYS:]
    working = {
        ident: {c.day for c in counts if c.ident == ident and c.day in last} for ident in {c.ident for c in counts}
    }
    able = sorted(ident for ident, own in working.items() if 2 * len(own) >= len(last))
    for mode in ("idle", "hidden"):
        for rate in RATES:
            found = [
                found_by(with_units(counts, who, last, mode, units), last, who, mode, rate, lot, feed.meta.timezone)
                for lot, who in enumerate(able)
            ]
            told: dict[str, Any] = {"mode": mode, "a_day": units, "rate": rate}
            for place, name in enumerate(("score", "count", "chance")):
                told[name] = asdict(figure([each[place] for each in found]))
            sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:5]))
