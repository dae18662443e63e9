"""What feeds lose, delay, double and shift: as much as was asked, and never the truth."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from quivive.model.clock import HOUR_US, from_rfc3339
from quivive.simulation.benchmark.centre import Calendar
from quivive.simulation.benchmark.generate import Options, generate
from quivive.simulation.benchmark.imperfections import LEVELS, Imperfections, spoil, telephony_outage

OPTIONS = Options(seed=2, days=3, agents=12, controllers=1)


@pytest.fixture(scope="module")
def perfect():
    """Three days, everything told in time."""
    return generate(OPTIONS)


def spoiled(wanted):
    """The same three days through feeds that are not perfect."""
    return generate(OPTIONS, spoiling=wanted)


def telephony(feed):
    """Rows of the calls."""
    return [row for row in feed.rows["contacts"] if row.source == "telephony"]


def test_perfect_feeds_are_left_alone(perfect):
    """Level none."""
    again = generate(OPTIONS)
    spoil(again, LEVELS["none"], np.random.default_rng(1))
    assert again.rows == perfect.rows


def test_lost_calls_are_lost_at_the_rate_asked(perfect):
    """Ten in a hundred, and no other source's."""
    feed = spoiled(Imperfections(lost=0.1))
    assert len(telephony(feed)) / len(telephony(perfect)) == pytest.approx(0.9, abs=0.04)
    assert len(feed.rows["accesses"]) == len(perfect.rows["accesses"])


def test_rows_arrive_out_of_order_and_within_the_lateness_that_is_declared(perfect):
    """The meta tells the new bound, and no row exceeds it."""
    feed = spoiled(Imperfections(late=0.2, late_most_s=3_600))
    bounds = {source.name: source.lateness_s for source in feed.meta.sources}
    assert bounds["telephony"] > {s.name: s.lateness_s for s in perfect.meta.sources}["telephony"]
    delays = [row.received_at - from_rfc3339(row.value["ended_at"]) for row in telephony(feed)]
    assert max(delays) > 600 * 1_000_000
    assert max(delays) <= bounds["telephony"] * 1_000_000


def test_doubles_are_the_same_rows(perfect):
    """Twice the id, the version and the content."""
    feed = spoiled(Imperfections(doubled=0.1))
    names = Counter((row.source, row.value["id"], row.value["version"]) for row in feed.rows["contacts"])
    assert set(names.values()) == {1, 2}
    assert len(names) == len({(r.source, r.value["id"], r.value["version"]) for r in perfect.rows["contacts"]})


def test_a_clock_askew_moves_every_instant_of_telephony(perfect):
    """By the same stretch, at most what was asked."""
    feed = spoiled(Imperfections(skew_s=30.0))
    before = {row.value["id"]: row.value for row in telephony(perfect)}
    moves = {
        from_rfc3339(row.value[name]) - from_rfc3339(before[row.value["id"]][name])
        for row in telephony(feed)
        for name in ("started_at", "ended_at")
    }
    assert len(moves) == 1
    assert 0 < abs(moves.pop()) <= 30_000_000


@pytest.mark.parametrize("lost", [True, False])
def test_an_outage_silences_the_heartbeat_and_the_calls(perfect, lost):
    """What it should have told is lost, or comes afterwards."""
    day_at = Calendar(days=3).at(1, 0)
    feed = spoiled(telephony_outage(day_at, hours=2, lost=lost))
    begin, end = day_at + 10 * HOUR_US, day_at + 12 * HOUR_US
    for file in ("contacts", "heartbeats"):
        told = [r for r in feed.rows[file] if r.source == "telephony" and begin <= r.received_at < end]
        assert told == []
    missing = len(perfect.rows["contacts"]) - len(feed.rows["contacts"])
    assert (missing > 0) == lost


def test_the_truth_survives_every_imperfection(perfect):
    """Heavy imperfections change no label."""
    feed = spoiled(replace(LEVELS["heavy"], random_outages=1))
    assert feed.labels == perfect.labels
    assert feed.rows["contacts"] != perfect.rows["contacts"]
