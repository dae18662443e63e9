"""A generated centre, whole: ordinary days bring no incident, and two lost hours of telephony bring nobody an alert."""

from datetime import UTC, datetime

import pytest

from quivive.detection.daily import daily
from quivive.detection.parameters import DetectionParameters
from quivive.simulation.benchmark.centre import Calendar
from quivive.simulation.benchmark.generate import Options, generate
from quivive.simulation.benchmark.imperfections import telephony_outage
from quivive.simulation.benchmark.run import SWITCHES, load, local_days

pytestmark = pytest.mark.integration
DAYS = 18
OPTIONS = Options(seed=1, days=DAYS, agents=12, controllers=1)
LOST_AT = DAYS - 2


@pytest.fixture(scope="module", params=["ordinary", "outage"])
def outcomes(request, tmp_path_factory):
    """What the daily round finds on each of the last three days, with or without the outage; no misuse in either."""
    outage = telephony_outage(Calendar(days=DAYS).at(LOST_AT, 0), hours=2, lost=True)
    feed = generate(OPTIONS, spoiling=outage if request.param == "outage" else None)
    judged = load(feed, tmp_path_factory.mktemp("centre") / request.param)
    parameters = DetectionParameters(timezone=feed.meta.timezone)
    found = {
        day: daily(
            judged.projection, rules=(), switches=SWITCHES, parameters=parameters, controller="aurore", day=day,
            as_of=judged.as_of,
        )
        for day in local_days(feed.meta)[-3:]
    }  # fmt: skip
    judged.close()
    return request.param, found


def test_ordinary_days_bring_no_incident_and_an_outage_at_most_its_own(outcomes):
    """A common cause is told on the day of the outage or not at all (what is unknown is not counted)."""
    kind, found = outcomes
    days = [day for day, outcome in found.items() if outcome.incidents]
    lost = datetime.fromtimestamp(Calendar(days=DAYS).at(LOST_AT, 12) / 1e6, tz=UTC).strftime("%Y%m%d")
    assert days in ([], [lost] if kind == "outage" else [])
    assert any(outcome.scored for outcome in found.values())


def test_two_lost_hours_are_nobodys_rare_day(outcomes):
    """Whoever is rare on the day of the outage is rare enough for an alert as little as on other days: nobody is."""
    kind, found = outcomes
    lost = list(found)[LOST_AT - DAYS + 3]
    rare = [hit for hit in found[lost].hits if hit.p_milli >= 3_000]
    assert rare == [], kind
