"""The generated centre against what was measured of a real one (detection reference §2), and its determinism."""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from quivive.model.clock import DAY_US, HOUR_US, SECOND_US
from quivive.simulation.benchmark.feed import write_feed
from quivive.simulation.benchmark.generate import COMPLETE, Options, generate, ordinary_work
from quivive.simulation.benchmark.misuse import Plan

SMALL = Options(seed=5, days=4, agents=10, controllers=2)


@pytest.fixture(scope="module")
def work():
    """Four weeks of one company with 45 posts: the size of the centre that was measured."""
    return ordinary_work(Options(seed=1, days=28, agents=45, controllers=1))


@pytest.fixture(scope="module")
def calls(work):
    """Inbound calls."""
    return [c for c in work.contacts if c.kind == "call" and c.direction == "inbound"]


def seconds(call):
    """Length of a call."""
    return (call.instants["ended_at"] - call.instants["offered_at"]) / SECOND_US


def test_service_times_are_those_measured(calls):
    """Log-normal: median 112 s, mean 186 s, ninth decile 388 s; 4.7 % under ten seconds."""
    every = np.array([seconds(call) for call in calls])
    assert np.median(every) == pytest.approx(112, rel=0.15)
    assert every.mean() == pytest.approx(186, rel=0.15)
    assert np.quantile(every, 0.9) == pytest.approx(388, rel=0.15)
    assert (every < 10).mean() == pytest.approx(0.047, abs=0.01)


def test_idle_gaps_are_those_measured(work):
    """5 % under 3 s, 30 % at most 5 s, median 22 s, third quartile 126 s."""
    gaps = np.array(
        [
            (after.instants["offered_at"] - before.instants["ended_at"]) / SECOND_US
            for made in work.calls.values()
            for before, after in pairwise(made)
            if after.instants["offered_at"] - before.instants["ended_at"] < 5 * HOUR_US
        ]
    )
    low, median, third = np.quantile(gaps, (0.05, 0.5, 0.75))
    assert low == pytest.approx(3, abs=1)
    assert median == pytest.approx(22, rel=0.3)
    assert third == pytest.approx(126, rel=0.3)
    assert (gaps <= 5).mean() == pytest.approx(0.30, abs=0.05)


def test_agents_take_as_many_calls_a_day_as_measured(calls):
    """Mean 65, ninth decile 123: the spread is the pace of the agents."""
    days = Counter((c.legs[0].agent.number, c.instants["offered_at"] // DAY_US) for c in calls)
    every = np.array(list(days.values()))
    assert every.mean() == pytest.approx(65, rel=0.2)
    assert 85 < np.quantile(every, 0.9) < 140


def test_arrivals_scatter_more_than_poisson(work, calls):
    """Variance over mean of calls an hour, by weekday and hour: about 6 (measured 6.2)."""
    start = work.centre.calendar.at(0, 0) // HOUR_US
    hours = Counter(call.instants["offered_at"] // HOUR_US - start for call in calls)
    groups = defaultdict(list)
    for hour in range(28 * 24):
        groups[hour // 24 % 7, hour % 24].append(hours.get(hour, 0))
    ratios = [np.var(each, ddof=1) / np.mean(each) for each in groups.values() if np.mean(each) >= 10]
    assert 3.5 < np.median(ratios) < 10


def test_half_of_the_calls_name_their_customer_and_half_of_these_call_again(calls):
    """48 to 55 % identified; 49 % of identified customers call again in the month; the day's repeats go elsewhere."""
    assert np.mean([bool(call.known) for call in calls]) == pytest.approx(0.5, abs=0.06)
    customers = defaultdict(list)
    for call in sorted(calls, key=lambda c: c.instants["offered_at"]):
        if call.known:
            customers[call.customer].append(call)
    assert np.mean([len(each) > 1 for each in customers.values()]) == pytest.approx(0.49, abs=0.1)
    other = [
        before.legs[0].agent is not after.legs[0].agent
        for each in customers.values()
        for before, after in pairwise(each)
        if before.instants["offered_at"] // DAY_US == after.instants["offered_at"] // DAY_US
    ]
    assert np.mean(other) == pytest.approx(0.84, abs=0.1)


def test_five_to_twelve_of_a_hundred_calls_are_transferred(calls):
    """A second leg."""
    assert 0.05 <= np.mean([len(call.legs) > 1 for call in calls]) <= 0.12


def test_a_complete_feed_knows_nearly_every_caller():
    """The profile changes what telephony knows, not what people do."""
    work = ordinary_work(Options(seed=1, days=2, agents=10, controllers=1, profile=COMPLETE))
    known = [bool(c.known) for c in work.contacts if c.kind == "call" and c.direction == "inbound"]
    assert np.mean(known) > 0.96


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    """Another seed gives others."""
    for name, options in (("a", SMALL), ("b", SMALL), ("c", Options(seed=6, days=4, agents=10, controllers=2))):
        write_feed(generate(options), tmp_path / name)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert (tmp_path / "a" / "accesses.ndjson").read_bytes() != (tmp_path / "c" / "accesses.ndjson").read_bytes()


def test_misuse_changes_nothing_of_the_ordinary_work():
    """The same accesses at the same instants, and the campaign's beside them."""

    def told(feed):
        campaign = {(label.source, label.access) for label in feed.labels if label.campaign}
        rows = [row for row in feed.rows["accesses"] if (row.source, row.value["id"]) not in campaign]
        return sorted((r.value["at"], r.value["agent"], tuple(r.value["records"])) for r in rows), len(campaign)

    quiet, none = told(generate(SMALL))
    loud, added = told(generate(SMALL, [Plan(scenario=1, per_day=8, mode="idle", from_day=0, days=4)]))
    assert quiet == loud
    assert (none, added > 0) == (0, True)


def test_nothing_in_the_rows_tells_who_misbehaves():
    """Only labels and campaigns hold the campaign's name."""
    feed = generate(SMALL, [Plan(scenario=26, per_day=8, mode="tickets", from_day=0, days=4)])
    name = feed.campaigns[0].id
    rows = [value for file in feed.rows.values() for row in file for value in row.value.values()]
    assert name not in rows
    assert any(label.campaign == name for label in feed.labels)
