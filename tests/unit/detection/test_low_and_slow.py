"""Low and slow: three a day for weeks are seen; ordinary agents hardly ever; nothing is clipped."""

import sys
from math import lgamma, log
from pathlib import Path

import numpy as np
import pytest

from quivive.detection.counts import DayCount, days_from
from quivive.detection.low_and_slow import ratio, signals
from quivive.detection.parameters import LowAndSlowParameters, ResidualParameters

sys.path.insert(0, str(Path(__file__).parents[3] / "bench"))

RESIDUAL, SLOW = ResidualParameters(), LowAndSlowParameters()
DAYS = days_from("20260105", "20260301")
LEAKER = f"{3:032x}"


def centre(leak=0, since=30, agents=16, seed=5):
    chance = np.random.default_rng(seed)
    return [
        DayCount(
            controller="aurore", ident=f"{agent:032x}", day=day, group=("aurore", "call", "q", "settled"),
            unexplained=int(chance.poisson(1.5) + (leak if agent == 3 and number >= since else 0)), weak_excess=0,
            contacts=60,
        )
        for number, day in enumerate(DAYS)
        for agent in range(agents)
    ]  # fmt: skip


def crossings(made):
    return [
        signal
        for day in DAYS[20:]
        for signal in signals([c for c in made if c.day <= day], day, RESIDUAL, SLOW)
    ]  # fmt: skip


def test_three_a_day_are_seen_within_four_weeks_and_nobody_else():
    """The one who takes three more a day crosses; of fifteen ordinary agents over five weeks none does."""
    found = crossings(centre(leak=3))
    assert {signal.ident for signal in found} == {LEAKER}
    first = found[0]
    assert first.day <= DAYS[30 + 20]
    assert first.from_day >= DAYS[28]
    assert first.unexplained * 1_000 > first.expected_milli
    assert crossings(centre()) == []


def test_the_ratio_is_that_of_two_negative_binomials():
    """The closed form equals the difference of the two logarithms of probability."""

    def log_probability(count, mean, spread):
        size = 1 / spread
        return (
            lgamma(count + size) - lgamma(size) - lgamma(count + 1)
            + size * log(size / (size + mean)) + count * log(mean / (size + mean))
        )  # fmt: skip

    for count in (0, 3, 11):
        assert ratio(count, 2.5, 0.3, 4.0) == pytest.approx(
            log_probability(count, 10.0, 0.3) - log_probability(count, 2.5, 0.3)
        )


def test_the_threshold_in_force_keeps_false_alarms_rare():
    """By simulation with a fixed seed: at most one false alarm per 1,000 agent-weeks in a middling cell."""
    from low_and_slow_threshold import THRESHOLDS, alarms, ratios

    found = 2 * alarms(3.0, 0.2, 600, 2, np.random.default_rng(1))
    assert found[list(THRESHOLDS).index(SLOW.threshold)] <= 1.0
    assert ratios(np.array([5]), np.array([2.0]), 0.2, 2.0)[0] == pytest.approx(ratio(5, 2.0, 0.2, 2.0))


def test_days_in_an_alert_start_the_chart_again():
    """After an alert the sum begins anew: the same weeks open no second one."""
    made = centre(leak=3)
    first = crossings(made)[0]
    history = [count for count in made if count.day <= first.day]
    alerted = frozenset((LEAKER, day) for day in DAYS if first.from_day <= day < first.day)
    assert [s for s in signals(history, first.day, RESIDUAL, SLOW, alerted=alerted) if s.ident == LEAKER] == []
