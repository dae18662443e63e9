"""The finished day: the same hits whatever the order of arrival; a common cause is an incident, nobody's alert."""

import random

import numpy as np
import pytest
from leaky_centre import AGENTS, END, TODAY, feed, projected
from traces import CONTROLLER, key

from quivive.detection.budget import Capacity, allot
from quivive.detection.daily import audit_pool, daily, daily_hits
from quivive.detection.parameters import DetectionParameters
from quivive.model.alert import AlertOrigin, IncidentKind, Switch

PARAMETERS = DetectionParameters(timezone="UTC")
ON = frozenset({Switch.RESIDUAL, Switch.LOW_AND_SLOW, Switch.RANDOM_AUDIT})


def of_day(projection):
    return daily_hits(
        projection, rules=(), switches=ON, parameters=PARAMETERS, controller=CONTROLLER, day=TODAY, as_of=END
    )


@pytest.fixture(scope="module")
def ordered(tmp_path_factory):
    made = projected(tmp_path_factory.mktemp("ordered"), feed())
    yield made
    made.close()


def test_a_leak_is_found_with_its_accesses_and_its_facts(ordered):
    """The agent's hit lists what was counted, and says how rare the day is."""
    (hit,) = [each for each in of_day(ordered) if each.ident == key("p3")]
    facts = {fact.name: fact.value for fact in hit.facts}
    assert (hit.topic, hit.origin, hit.day) == ("residual", AlertOrigin.RESIDUAL, TODAY)
    assert facts["unexplained"] >= 8
    assert facts["peers"] == AGENTS - 1
    assert facts["expected_milli"] < 2_000
    assert facts["times_a_month_milli"] < 1_000
    assert len(hit.accesses) == facts["unexplained"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_doubled_delayed_gives_the_same_hits_and_alerts(ordered, tmp_path, seed):
    """Final verdicts and what follows from them do not depend on the order of arrival."""
    chance = random.Random(seed)
    events = feed()
    doubled = events + chance.sample(events, len(events) // 5)
    chance.shuffle(doubled)
    other = projected(tmp_path / "other", doubled, batches=4)
    assert of_day(other) == of_day(ordered)
    told = {"open_alerts": (), "capacity": Capacity(), "seed": b"root"}
    assert allot(of_day(other), **told) == allot(of_day(ordered), **told)
    other.close()


def test_lost_calls_of_everybody_are_one_incident_and_nobodys_alert(tmp_path):
    """Telephony loses an hour: everybody is unusual at once, so one incident stands in the place of ten alerts."""
    made = projected(tmp_path / "outage", feed(leak=0, outage=True))
    outcome = daily(made, rules=(), switches=ON, parameters=PARAMETERS, controller=CONTROLLER, day=TODAY, as_of=END)
    assert outcome.hits == ()
    assert [each.incident_kind for each in outcome.incidents] == [IncidentKind.COMMON_SHOCK]
    assert outcome.incidents[0].suppressed == AGENTS
    made.close()


def test_switched_off_nothing_is_counted(ordered):
    """Each part runs behind its switch only."""
    told = {"rules": (), "parameters": PARAMETERS, "controller": CONTROLLER, "day": TODAY, "as_of": END}
    assert daily_hits(ordered, switches=frozenset(), **told) == ()
    slow_only = daily_hits(ordered, switches=frozenset({Switch.LOW_AND_SLOW}), **told)
    assert all(hit.topic == "low_and_slow" for hit in slow_only)


def test_the_audit_draws_explained_accesses_by_its_seed(ordered):
    """Another root draws other accesses; the same root the same."""
    told = {"parameters": PARAMETERS, "controller": CONTROLLER, "day": TODAY, "wanted": {"weak": 3, "explained": 3}}
    first, again, other = (audit_pool(ordered, seed=seed, **told) for seed in (b"a", b"a", b"b"))
    assert first == again != other
    assert len(first) == 3
    assert {hit.origin for hit in first} == {AlertOrigin.RANDOM_AUDIT}
    assert np.all([len(hit.accesses) == 1 for hit in first])
