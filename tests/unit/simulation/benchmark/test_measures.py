"""What counts as found, what chance finds, and how a figure is told."""

import pytest

from quivive.simulation.benchmark.bench import CHANCE, Found, Results, Scale
from quivive.simulation.benchmark.evidence import Intent
from quivive.simulation.benchmark.measures import chance_detection, figure, median_figure, top_detection
from quivive.simulation.benchmark.report import lines, summary

DAYS = [f"2026090{n}" for n in range(1, 6)]
NAMES = [(f"agent-{n}", day) for n in range(20) for day in DAYS]


def guilty(name):
    """One agent, two days."""
    return name[0] == "agent-7" and name[1] in DAYS[2:4]


def test_the_highest_scores_are_looked_at_and_no_more():
    """One alert per hundred agent-days is one here: the guilty one, or another."""
    scores = {name: 9.0 if guilty(name) else 1.0 for name in NAMES}
    assert top_detection(scores, guilty, rate=0.01, seed=1) == (True, DAYS[2])
    scores["agent-3", DAYS[0]] = 10.0
    assert top_detection(scores, guilty, rate=0.01, seed=1) == (False, "")
    assert top_detection(scores, guilty, rate=0.02, seed=1) == (True, DAYS[2])


def test_further_days_of_the_same_agent_cost_nothing():
    """They join his alert."""
    scores = dict.fromkeys(NAMES, 0.0) | {("agent-7", day): 5.0 + n for n, day in enumerate(reversed(DAYS))}
    assert top_detection(scores, guilty, rate=0.01, seed=1) == (True, DAYS[2])


def test_scores_that_say_nothing_find_what_chance_finds():
    """One agent of twenty: ties are drawn by lot, never by name."""
    flat = dict.fromkeys(NAMES, 0.0)
    found = sum(top_detection(flat, guilty, rate=0.01, seed=n)[0] for n in range(1_000)) / 1_000
    chance = chance_detection(NAMES, guilty, rate=0.01, seed=1, times=1_000)
    assert 0.02 < chance < 0.09
    assert abs(found - chance) < 0.03


@pytest.mark.parametrize("of", [figure, median_figure])
def test_a_figure_has_an_interval_and_its_n(of):
    """None of nothing; the interval holds the value and is the same each time."""
    assert of([]).value is None
    one = of([0.0, 1.0, 1.0, 0.0, 1.0])
    assert one.low <= one.value <= one.high
    assert one.n == 5
    assert one == of([0.0, 1.0, 1.0, 0.0, 1.0])


def test_a_summary_tells_every_detector_with_its_n():
    """Those that found nothing stand there as well."""
    common = {"intent": Intent(scenario=1, mode="idle", per_day=8), "rate": 0.01}
    found = [
        Found(detector=CHANCE, seed=1, found=0.1, **common),
        Found(detector="nothing", seed=1, found=0.0, **common),
        Found(detector="nothing", seed=2, found=0.0, **common),
    ]
    told = summary(Results(scale=Scale(), found=found))
    assert {(each["detector"], each["found"]["value"], each["found"]["n"]) for each in told["detectors"]} == {
        (CHANCE, 0.1, 1),
        ("nothing", 0.0, 2),
    }
    text = "\n".join(lines(told))
    assert "0.0 [0.0, 0.0] (2)" in text
    assert "- (0)" in text
