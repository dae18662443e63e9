"""What late rows change: hits as each morning finds them beside those that the end of the feed finds.

Called by `quivive bench detection --late`. Heavy imperfections: rows lost, late by up to six hours, a nightly batch,
two outages, clocks askew. Must never forget a hit that later evidence removed: these are the ones that count.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from quivive.detection.parameters import DetectionParameters
from quivive.simulation.benchmark.bench import Scale
from quivive.simulation.benchmark.evidence import CAMPAIGN_DAYS
from quivive.simulation.benchmark.generate import Options, generate
from quivive.simulation.benchmark.misuse import Plan
from quivive.simulation.benchmark.run import local_days, progressive


def late_lines(scale: Scale, *, imperfections: str = "heavy") -> Iterator[str]:
    """One JSON line a centre: hits found in the morning, at the end, in both."""
    for seed in range(scale.first_seed, scale.first_seed + scale.seeds):
        options = Options(
            seed=seed,
            days=scale.days,
            agents=scale.agents,
            controllers=scale.controllers,
            profile=scale.profile,
            imperfections=imperfections,
        )
        plan = Plan(scenario=1, per_day=8, mode="idle", from_day=scale.days - CAMPAIGN_DAYS, days=CAMPAIGN_DAYS)
        feed = generate(options, [plan])
        days = local_days(feed.meta)[-CAMPAIGN_DAYS:]
        with tempfile.TemporaryDirectory(prefix="quivive-bench-") as home:
            morning, final = progressive(
                feed, Path(home) / "late", days, DetectionParameters(timezone=feed.meta.timezone)
            )
        told = {"seed": seed, "morning": len(morning), "final": len(final), "both": len(morning & final)}
        yield json.dumps({**told, "withdrawn": len(morning - final), "missed": len(final - morning)})
