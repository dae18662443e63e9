"""Commands of kept sound: a hold that keeps nothing is refused or says so."""

import asyncio
from types import SimpleNamespace

import pytest
from audio_centre import AudioCentre

from quivive.core.audio_commands import AudioCommands
from quivive.model.clock import DAY_US, to_rfc3339
from quivive.model.errors import RefusedError


@pytest.fixture
def centre(tmp_path):
    made = AudioCentre(tmp_path / "home")
    yield made
    made.close()


def ask_hold(centre, scope, text):
    async def record_act(_body):
        return None

    parts = SimpleNamespace(
        audio=centre.audio, settings=centre.settings, keyring=centre.keyring, clock=centre.clock, record_act=record_act
    )
    asked = {"controller": "aurore", "scope": scope, "object": text, "reference": "RG-1"}
    until = to_rfc3339(centre.now + 30 * DAY_US)
    return asyncio.run(AudioCommands(parts, centre.writer).hold_add(asked | {"until": until}))


def test_a_hold_says_how_many_objects_it_keeps(centre):
    """By campaign, by call; a call nobody knows keeps nothing, and that is said."""
    centre.campaign()
    for call in ("A-1", "A-2"):
        centre.call(call, 3)
        centre.told(call, 3)
        centre.file(call)
    centre.call("A-3", 3)
    centre.told("A-3", 3, campaign="")
    centre.file("A-3")
    assert ask_hold(centre, "contact", "A-1")["keeps"] == 1
    assert ask_hold(centre, "contact", "A-l")["keeps"] == 0
    placed = ask_hold(centre, "campaign", "quality")
    assert (placed["keeps"], placed["silent"]) == (3, [])


def test_a_hold_on_a_campaign_nobody_knows_is_refused(centre):
    """Misspelt, another company's, or a name that only a source told: it would keep nothing, and nothing is written."""
    centre.campaign()
    centre.campaign("sales", controller="boreal")
    centre.call("A-1", 3)
    centre.told("A-1", 3, campaign="older")
    centre.file("A-1")
    before = len(centre.writer.written)
    for name in ("qualty", "sales", "older"):
        with pytest.raises(RefusedError, match="campaign_unknown"):
            ask_hold(centre, "campaign", name)
    assert len(centre.writer.written) == before
    assert ask_hold(centre, "contact", "A-1")["keeps"] == 1
