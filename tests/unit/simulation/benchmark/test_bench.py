"""The whole benchmark on the sample: rows through the product's mappers, judged, counted; it may fail."""

from pathlib import Path

import pytest

from quivive.simulation.benchmark.bench import CHANCE, PRODUCT, RANKED, RULES, bench_feed
from quivive.simulation.benchmark.feed import read_feed
from quivive.simulation.benchmark.report import lines, summary

SAMPLE = Path(__file__).parents[4] / "bench" / "labelled-sample"


@pytest.fixture(scope="module")
def results():
    """The sample measured once; the peers' compiler would cost more than the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("quivive.simulation.benchmark.peers.has_pyod", lambda: False)
        return bench_feed(SAMPLE)


def test_every_ordinary_access_is_judged_as_the_truth_says(results):
    """All but strays and what telephony did not identify have a reason; no reason is wrong; no misuse gets a good one."""
    shares = results.evidence[0].shares
    labels = read_feed(SAMPLE).labels
    assert shares.misuse == sum(bool(label.campaign) for label in labels)
    assert shares.opened > 50
    assert sum(shares.by_strength.values()) == shares.opened
    assert shares.by_strength["strong"] > shares.opened / 4
    assert shares.wrong <= shares.opened / 100
    assert shares.misuse_explained == 0


def test_a_feed_too_short_to_score_finds_nothing(results):
    """One day is no history: the product opens nothing, and its score is no better than a lot."""
    found = {each.detector: each for each in results.found}
    assert found[PRODUCT].found == 0
    assert {RANKED, RULES, CHANCE} <= found.keys()
    assert found[PRODUCT].exposed == found[PRODUCT].campaign == 5


def test_every_detector_is_told_with_its_n(results):
    """One campaign: n is 1 everywhere."""
    told = summary(results)
    assert {each["found"]["n"] for each in told["detectors"]} == {1}
    assert len(told["detectors"]) == len(results.found) >= 5
    assert any("chance" in line for line in lines(told))
