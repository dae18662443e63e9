"""From a list of victims to the agent who opened too many of them."""

import numpy as np
import pytest
from counted import DAY, END, fill
from traces import CONTROLLER, CUSTOMER, ORDER, SECOND, T0, access, key, link

from quivive.detection.exposure_search import WeekShare, at_least, rank, search
from quivive.privacy.pseudonym import neutral_code


def test_the_tail_is_that_of_a_binomial_when_all_chances_are_equal():
    """Poisson-binomial with equal chances is binomial."""
    from scipy.stats import binom

    assert at_least(3, np.full(10, 0.2)) == pytest.approx(binom.sf(2, 10, 0.2))
    assert at_least(4, np.full(3, 0.5)) == 0.0


def one_centre(chance, agents=1_000, records=120, victims=30, leaked=6):
    """A week of a centre: each victim opened by a few agents at work, and 20 % of them by one agent besides."""
    idents = [f"{number:032x}" for number in range(agents)]
    shares = [
        WeekShare(ident=ident, week="w", queue=f"q{number % 4}", records=int(chance.gamma(20, records / 20)) + 1)
        for number, ident in enumerate(idents)
    ]
    opened = {
        (victim, "w", idents[chance.integers(agents)])
        for victim in range(victims)
        for _ in range(1 + chance.poisson(2))
    }
    leaker = idents[chance.integers(agents)]
    opened |= {(victim, "w", leaker) for victim in chance.choice(victims, leaked, replace=False).tolist()}
    return shares, sorted(opened), leaker


def test_who_opened_a_fifth_of_thirty_victims_is_among_the_first_three():
    """Of a thousand agents, in at least 95 % of runs (detection reference §8)."""
    chance = np.random.default_rng(20261123)
    found = 0
    for _ in range(100):
        shares, opened, leaker = one_centre(chance)
        found += leaker in [each.ident for each in rank(shares, opened)[:3]]
    assert found >= 95


def test_an_agent_with_much_work_is_expected_to_meet_more_victims():
    """Shares of the queue's work decide, not the bare number of victims opened."""
    shares = [WeekShare(ident=i * 32, week="w", queue="q", records=n) for i, n in (("a", 900), ("b", 50), ("c", 50))]
    opened = [(victim, "w", "a" * 32) for victim in range(6)] + [(victim, "w", "b" * 32) for victim in range(6, 9)]
    ranked = rank(shares, opened)
    assert [each.ident[0] for each in ranked] == ["b", "a"]


def test_a_search_tells_codes_dates_and_accesses_never_a_key(projection):
    """Through the projection: a linked record counts for its person; what leaves is a neutral code."""
    fill(
        projection,
        link("o1", "c1"),
        access("a1", T0 + SECOND, [(CUSTOMER, "c2")]),
        access("a2", T0 + 2 * SECOND, [(ORDER, "o1")]),
        access("b1", T0 + 3 * SECOND, [(CUSTOMER, "c9")], agent="login-b"),
    )
    victims = [key("c1"), key("c2"), key("c3")]
    (lift,) = search(projection, controllers=(CONTROLLER,), victims=victims, from_at=T0 - 1, to_at=END)
    assert (lift.agent_code, lift.opened, lift.victims, lift.unexplained, lift.days) == (
        neutral_code(key("anna")), 2, 3, 2, 1,
    )  # fmt: skip
    assert (lift.first_at, lift.last_at, len(lift.accesses)) == (T0 + SECOND, T0 + 2 * SECOND, 2)
    assert key("anna") not in str(lift)
    assert DAY == "20260528"
