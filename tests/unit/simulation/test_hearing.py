"""Claims of the demonstration's campaigns: one lawful at any hour with a period now, one refused with its rules."""

import asyncio
from zoneinfo import ZoneInfo

import pytest

from quivive.model.clock import DAY_US, HOUR_US
from quivive.recordings.analysis import read_grid
from quivive.recordings.draft import DraftContext, read_draft
from quivive.recordings.limits import limits
from quivive.recordings.rules import judge
from quivive.simulation.hearing import CAMPAIGN, GRID, REFUSED, announce, campaign, refused
from quivive.simulation.staff import staff

NOW = 1_795_356_300_000_000
ZONE = ZoneInfo("Europe/Paris")
CONTEXT = DraftContext(
    zone=ZONE,
    limits=limits(),
    controllers=frozenset({"aurore"}),
    person=lambda number: "0" * 32,
    proposed_by="owner",
    demonstration=True,
)


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_the_announced_campaign_is_lawful_and_covers_this_moment(hour):
    """At whatever hour a visitor starts, no rule refuses it and a period runs now."""
    now = NOW + hour * HOUR_US
    body = read_draft(campaign(now, ZONE), CONTEXT, version=1)
    assert judge(body, limits(), now).refusals == ()
    assert any(period.from_at <= now < period.to_at for period in body.periods)


def test_the_other_draft_shows_the_rules():
    """Permanent, without end, too long, with the screen and emotions."""
    value = {name: each for name, each in refused(NOW, ZONE).items() if each is not None}
    codes = {each.code for each in judge(read_draft(value, CONTEXT, version=1), limits(), NOW).refusals}
    assert {"permanent", "no_end", "no_period", "retention_too_long", "screen_capture", "emotion_or_voice"} == codes
    assert read_grid(GRID, NOW).purpose == "training"


def test_a_second_start_makes_no_second_campaign_while_one_covers_now():
    """Asked for, told, and left as it is; when its periods are over, a new version is announced."""
    asked = []

    async def ask(command, **params):
        asked.append(command)
        if command == "campaign-list":
            return {
                "campaigns": [{"campaign": CAMPAIGN, "state": "announced"}, {"campaign": REFUSED, "state": "refused"}]
            }
        if command == "campaign-show":
            return {"periods": [["2026-11-22T13:00:00Z", "2026-11-22T22:00:00Z"]]}
        return {"grids": [1], "token": "t"}

    asyncio.run(announce(ask, staff(), NOW, ZONE))
    assert asked == ["campaign-list", "grid-list", "campaign-show"]
    asked.clear()
    asyncio.run(announce(ask, staff(), NOW + 20 * DAY_US, ZONE))
    assert asked[3:] == ["campaign-add", "token-issue", "campaign-decide", "token-revoke", "notices-sheet"]
