"""Misuse added to counts: one agent's days alone, found when it stands out and not when it does not."""

import pytest

from quivive.detection.counts import DayCount
from quivive.simulation.benchmark.inject import found_by, with_units

DAYS = [f"202609{n:02}" for n in range(1, 29)]


def count(number, day):
    """An ordinary agent-day of one team."""
    return DayCount(
        controller="aurore", ident=f"{number:032x}", day=day, group=("aurore", "call", "team", "settled"),
        unexplained=(number + int(day)) % 3, weak_excess=2, contacts=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def counts():
    """Ten agents, four weeks."""
    return [count(number, day) for day in DAYS for number in range(10)]


def test_only_the_days_of_that_agent_change(counts):
    """Everything else stays as it was."""
    who = counts[3].ident
    changed = with_units(counts, who, DAYS[-5:], "idle", 7)
    differing = [(old, new) for old, new in zip(counts, changed, strict=True) if old != new]
    assert {(new.ident, new.day) for _, new in differing} == {(who, day) for day in DAYS[-5:]}
    assert all(new.unexplained == old.unexplained + 7 for old, new in differing)


@pytest.mark.parametrize(("units", "found"), [(60, 1.0), (0, 0.0)])
def test_much_is_found_and_nothing_is_not(counts, units, found):
    """The most unusual agent-day is his when he opened sixty records without a reason."""
    who = counts[0].ident
    changed = with_units(counts, who, DAYS[-5:], "idle", units)
    score, plain, chance = found_by(changed, DAYS[-5:], who, "idle", 0.01, 1, "UTC")
    assert (score, plain) == (found, found)
    assert chance < 0.5
