"""A common cause is told apart from many causes at once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.detection.counts import DayCount, HourCount
from quivive.detection.parameters import ResidualParameters, ShockParameters
from quivive.detection.peers import Norm, PeerGroup
from quivive.detection.shock import incident, is_common, shocked_hours, unusual_together, without
from quivive.model.clock import HOUR_US

RESIDUAL, SHOCK = ResidualParameters(), ShockParameters()
NORM = Norm(rate=0.02, spread=0.1, cut=0.1)
GROUPS = {
    ("aurore",): PeerGroup(
        path=("aurore",), idents=frozenset(), agent_days=500, mean_exposure=60.0,
        norms={"unexplained": NORM, "weak_excess": NORM, "self_made": NORM},
    )
}  # fmt: skip


def day_of(agents, queue):
    return [
        DayCount(
            controller="aurore", ident=f"{n:032x}", day="20260105", group=("aurore", "call", queue, "settled"),
            unexplained=6, weak_excess=0, contacts=60,
        )
        for n in agents
    ]  # fmt: skip


def hours_of(agents, hour, unexplained):
    return [
        HourCount(
            controller="aurore", ident=f"{n:032x}", hour_at=hour * HOUR_US, unexplained=unexplained, weak_excess=0
        )
        for n in agents
    ]


def test_two_hours_of_one_queue_are_one_shock_of_that_queue():
    """The other queue works on; its agents are scored as ever."""
    day = [*day_of(range(10), "a"), *day_of(range(10, 40), "b")]
    hours = [
        *(h for hour in (9, 10) for h in hours_of(range(10), hour, 6)),
        *hours_of(range(10), 11, 0),
        *(h for hour in (9, 10, 11) for h in hours_of(range(10, 40), hour, 0)),
    ]
    (shock,) = shocked_hours(hours, day, GROUPS, RESIDUAL, SHOCK)
    assert (shock.path, shock.from_at, shock.to_at) == (("aurore", "call", "a"), 9 * HOUR_US, 11 * HOUR_US)
    left = {count.ident: count.unexplained for count in without(day, hours, [shock])}
    assert left[f"{1:032x}"] == 0
    assert left[f"{11:032x}"] == 6


def test_the_widest_group_stands_for_its_parts():
    """Everybody unusual at once is one incident of the controller, and it names nobody."""
    day = day_of(range(10), "a")
    (shock,) = shocked_hours(hours_of(range(10), 9, 6), day, GROUPS, RESIDUAL, SHOCK)
    assert shock.path == ("aurore",)
    told = incident(shock, "aurore", 10)
    assert f"{1:032x}" not in str(told)
    assert told == incident(shock, "aurore", 10)


def test_few_far_out_are_more_than_many_hardly_unusual():
    """Four of six in an outage are thousands of times rarer than four of six who are just below the limit."""
    assert unusual_together([1e-6] * 4 + [0.5] * 2, SHOCK) == 4
    assert unusual_together([0.009] * 4 + [0.5] * 2, SHOCK) == 0


@given(st.integers(0, 50), st.integers(0, 50))
def test_few_colleagues_are_no_crowd(unusual, present):
    """Neither below four people nor up to three in ten."""
    if present < 4 or unusual <= 0.3 * present:
        assert not is_common(min(unusual, present), present, SHOCK, SHOCK.usual)


@pytest.mark.parametrize(
    ("unusual", "present", "common"),
    [(2, 5, False), (3, 5, False), (5, 11, False), (6, 18, False), (4, 4, True), (6, 8, True), (9, 20, True)],
)
def test_what_chance_brings_together_is_no_shock(unusual, present, common):
    """Seen on ordinary days: two of five, three of five, five of eleven, six of eighteen at once. An outage is more."""
    assert is_common(unusual, present, SHOCK, SHOCK.usual) == common


@pytest.mark.parametrize("leak", [6, 60])
def test_one_agent_alone_is_never_a_shock(leak):
    """However much one takes."""
    hours = [*hours_of(range(1), 9, leak), *hours_of(range(1, 10), 9, 0)]
    assert shocked_hours(hours, day_of(range(10), "a"), GROUPS, RESIDUAL, SHOCK) == ()


def test_tickets_of_ones_own_are_no_common_cause():
    """Seen on a quiet Saturday: everybody works off tickets of his own. No cause outside makes such reasons."""
    hours = [replace(hour, self_made=8) for hour in hours_of(range(10), 9, 0)]
    assert shocked_hours(hours, day_of(range(10), "a"), GROUPS, RESIDUAL, SHOCK) == ()
