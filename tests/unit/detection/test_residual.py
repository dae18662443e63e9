"""The residual: calibrated on ordinary days, sharp on a leak, blind to its own misuse as an example."""

import random

import numpy as np
import pytest

from quivive.detection.counts import DayCount, days_from
from quivive.detection.parameters import ResidualParameters
from quivive.detection.peers import mid_p, peer_groups, tail
from quivive.detection.residual import combined, drift, p_milli, score_day

PARAMETERS = ResidualParameters()
DAYS = days_from("20260105", "20260218")
LEAKER = f"{3:032x}"


def centre(*, agents=40, leak=0, hidden=False, since=30, seed=7, days=DAYS, queues=2):
    """Ordinary days as measured (65 contacts, 4.7 % strays), and a leak of `leak` a day from day `since` on."""
    chance = np.random.default_rng(seed)
    own = chance.gamma(12, 1 / 12, agents)
    made = []
    for number, day in enumerate(days):
        for agent in range(agents):
            contacts = int(chance.gamma(8, 8))
            strays = chance.poisson(0.06 * contacts * own[agent] * chance.gamma(10, 0.1))
            weak = chance.poisson(0.02 * contacts)
            if f"{agent:032x}" == LEAKER and number >= since:
                strays, weak = (strays, weak + leak) if hidden else (strays + leak, weak)
            made.append(
                DayCount(
                    controller="aurore", ident=f"{agent:032x}", day=day,
                    group=("aurore", "call", f"q{agent % queues}", "settled"),
                    unexplained=int(strays), weak_excess=int(weak), contacts=contacts,
                )
            )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def ordinary():
    return centre()


def test_ordinary_days_are_as_rare_as_they_are_said_to_be(ordinary):
    """Of ordinary days about 5 % have p below 0.05, and drift sees nothing."""
    values = [score.p for day in DAYS[20::3] for score in score_day(ordinary, day, PARAMETERS)]
    assert 0.02 < np.mean(np.array(values) < 0.05) < 0.09
    assert all(each.p_milli < 3_000 for each in drift(ordinary, DAYS[-1], PARAMETERS))


@pytest.mark.parametrize("hidden", [False, True])
def test_eight_a_day_stand_first_within_days_idle_or_hidden(hidden):
    """A leak of eight a day is the centre's rarest day on most days, unexplained or hidden as weak excess."""
    made = centre(leak=8, hidden=hidden)
    first = sum(score_day(made, day, PARAMETERS)[0].count.ident == LEAKER for day in DAYS[30:40])
    assert first >= 4


def test_a_chronic_leak_does_not_become_its_own_norm():
    """After weeks of the same leak its days are hardly less rare than on the first day (no self-masking)."""
    made = centre(leak=16, since=10)
    scores = {day: {s.count.ident: s for s in score_day(made, day, PARAMETERS)} for day in (DAYS[16], DAYS[44])}
    late = scores[DAYS[44]][LEAKER]
    assert late.p < 0.01


def test_the_scored_day_and_the_order_of_the_history_teach_nothing(ordinary):
    """A changed count of the scored day changes only its own score; shuffling changes nothing."""
    day = DAYS[30]
    before = score_day(ordinary, day, PARAMETERS)
    shuffled = list(ordinary)
    random.Random(1).shuffle(shuffled)
    assert score_day(shuffled, day, PARAMETERS) == before
    future = [count for count in ordinary if count.day <= day]
    assert score_day(future, day, PARAMETERS) == before


def test_the_first_two_weeks_score_nobody(ordinary):
    """Cold start: nothing is said before there is something to compare with."""
    assert score_day(ordinary, DAYS[13], PARAMETERS) == ()
    assert score_day(ordinary, DAYS[14], PARAMETERS) != ()


def test_a_small_group_is_compared_to_the_wider_one(ordinary):
    """Fewer than eight agents: the parent's norm is used, and says so."""
    few = [
        count if count.ident > f"{4:032x}" else DayCount(
            controller=count.controller, ident=count.ident, day=count.day, group=("aurore", "call", "small", "settled"),
            unexplained=count.unexplained, weak_excess=count.weak_excess, contacts=count.contacts,
        )
        for count in ordinary
    ]  # fmt: skip
    scores = {score.count.ident: score for score in score_day(few, DAYS[30], PARAMETERS)}
    assert scores[LEAKER].group == ("aurore", "call")
    assert scores[LEAKER].peers == 39


def test_below_eight_agents_nobody_is_scored():
    """A handful of people is no statistic."""
    assert score_day(centre(agents=7), DAYS[30], PARAMETERS) == ()


def test_a_leak_hardly_moves_the_norm_of_its_group():
    """Days above the ninth decile count as above only: how far they stand is not looked at."""
    modest, wild = (peer_groups(centre(leak=leak, since=0), PARAMETERS)[("aurore",)] for leak in (30, 900))
    assert wild.norms["unexplained"].rate == pytest.approx(modest.norms["unexplained"].rate, rel=1e-6)


def test_tails_are_those_of_the_negative_binomial():
    """The same as scipy's distribution, in the far tail too."""
    from scipy.stats import nbinom

    spread, mean = 0.2, 4.0
    size, chance = 1 / spread, 1 / (1 + spread * mean)
    for count in (0, 3, 12, 60):
        assert tail(np.array([float(count)]), np.array([mean]), spread)[0] == pytest.approx(
            nbinom.sf(count, size, chance)
        )
    assert mid_p(3, mean, spread) == pytest.approx(nbinom.sf(3, size, chance) + 0.5 * nbinom.pmf(3, size, chance))


def test_two_measures_are_combined_without_trusting_their_independence():
    """The Cauchy combination: one rare measure is enough, a calm one does not hide it."""
    assert combined(1e-6, 0.5) == pytest.approx(2e-6, rel=0.01)
    assert combined(1e-4, 1.0) < 1e-3
    assert combined(0.5, 0.5) == pytest.approx(0.5)
    assert p_milli(1e-4) == 4_000
    assert p_milli(0.0) == 15_000
