"""Claims of live views: one opening, one closing with the count, whatever happens between."""

import re

import anyio
import fakes
import pytest

from quivive.model.entry import ActKind
from quivive.model.errors import StorageError
from quivive.model.permission import Role
from quivive.vault import LIVE_VIEW_SILENCE_US, Principal
from quivive.web.live import LiveViews

DPO = Principal(id="dpo-1", roles=(Role.DPO,), controllers=("aurore",), sources=())


def view_of(html):
    return re.search(r"view=([\w-]+)", html).group(1)


def test_polls_belong_to_the_opening(signed_in, place):
    """Ten polls of one view are one opening act."""
    client = signed_in(Role.DPO)
    view = view_of(client.get("/activity").text)
    for _ in range(10):
        place.now += 2_000_000
        assert view_of(client.get(f"/activity/rows?view={view}").text) == view
    assert [act.act for act in place.acts] == [ActKind.VIEW_ACTIVITY_OPEN]


def test_the_closing_counts_each_episode_once(signed_in, place):
    """Fifty episodes at the opening, one new by a poll: the closing says fifty-one."""
    client = signed_in(Role.DPO)
    view = view_of(client.get("/activity").text)
    place.tables["activity"].insert(0, fakes.episode(0))
    client.get(f"/activity/rows?view={view}")
    client.get(f"/activity/rows?view={view}")
    client.submit("/activity/close", view=view)
    opening, closing = place.acts
    assert (opening.act, opening.count, opening.object) == (ActKind.VIEW_ACTIVITY_OPEN, 50, view)
    assert (closing.act, closing.count, closing.object) == (ActKind.VIEW_ACTIVITY_CLOSE, 51, view)


def test_a_view_of_another_account_is_not_joined(signed_in, place):
    """A shared link opens a view of one's own."""
    view = view_of(signed_in(Role.DPO).get("/activity").text)
    assert view_of(signed_in(Role.SECURITY).get(f"/activity?view={view}").text) != view
    assert [act.principal for act in place.acts] == ["dpo-1", "security-1"]


def test_a_view_that_stops_polling_is_closed(place):
    """After the silence the sweep writes the closing; before, it does not."""
    live = LiveViews(place.services())

    async def scenario():
        await live.show("", principal=DPO, controllers=("aurore",), episodes=["a", "b"])
        await live.sweep()
        place.now += LIVE_VIEW_SILENCE_US
        await live.sweep()

    anyio.run(scenario)
    assert [(act.act, act.count) for act in place.acts] == [
        (ActKind.VIEW_ACTIVITY_OPEN, 2),
        (ActKind.VIEW_ACTIVITY_CLOSE, 2),
    ]


def test_a_closing_outlives_a_crash(place):
    """Another process finds the open view in the vault and closes it with its count."""

    async def scenario():
        await LiveViews(place.services()).show("", principal=DPO, controllers=("aurore",), episodes=["a", "b", "c"])
        place.now += LIVE_VIEW_SILENCE_US
        await LiveViews(place.services()).sweep()

    anyio.run(scenario)
    assert (place.acts[-1].act, place.acts[-1].count) == (ActKind.VIEW_ACTIVITY_CLOSE, 3)


def test_a_closing_that_fails_is_tried_again(place):
    """A full disk delays the closing, it does not lose it."""
    live = LiveViews(place.services())

    async def scenario():
        await live.show("", principal=DPO, controllers=("aurore",), episodes=["a"])
        place.now += LIVE_VIEW_SILENCE_US
        place.broken = True
        with pytest.raises(StorageError):
            await live.sweep()
        place.broken = False
        place.now += LIVE_VIEW_SILENCE_US
        await live.sweep()

    anyio.run(scenario)
    assert place.acts[-1].act is ActKind.VIEW_ACTIVITY_CLOSE


def test_without_script_the_page_reloads_itself_in_the_same_view(signed_in):
    """The reload of a live page names its view; a paused page does not reload."""
    client = signed_in(Role.DPO)
    html = client.get("/activity").text
    assert re.search(r'<noscript><meta http-equiv="refresh" content="10;url=/activity\?[^"]*view=', html)
    paused = client.get("/activity?live=0").text
    assert "http-equiv" not in paused
    assert 'hx-trigger="every 2s"' not in paused


def test_a_poll_of_an_ended_session_leads_to_the_sign_in(anonymous):
    """The live list does not fill with the sign-in page: the browser is led there."""
    response = anonymous.get("/activity/rows", headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["hx-redirect"]) == (401, "/sign-in")
