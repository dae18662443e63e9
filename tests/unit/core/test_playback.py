"""Playbacks: an entry before the first byte, seconds heard after the last; refused past the limit though the file is there."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
from audio_centre import AudioCentre

from quivive.core.playback import SAVE_EVERY_MS, SILENCE_US, Playbacks
from quivive.model.clock import DAY_US
from quivive.model.errors import RefusedError
from quivive.model.recording import Purpose

SECONDS = 120
WAV = (
    b"RIFF" + (16_000 * SECONDS + 36).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    + bytes([1, 0, 1, 0]) + (8_000).to_bytes(4, "little") + (16_000).to_bytes(4, "little") + bytes([2, 0, 16, 0])
    + b"data" + (16_000 * SECONDS).to_bytes(4, "little") + bytes(16_000 * SECONDS)
)  # fmt: skip


@pytest.fixture
def centre(tmp_path):
    made = AudioCentre(tmp_path / "home")
    made.campaign(listeners=("eva-1", "dpo-1"))
    made.call("A-1", 5)
    made.file("A-1", WAV)
    made.recording = made.told("A-1", 5)
    yield made
    made.close()


def ask(centre, *, principal="eva-1", controllers=("aurore",), purpose="quality", reason="coaching", recording=""):
    return centre.playbacks.open(
        recording or centre.recording, principal=principal, controllers=controllers, purpose=purpose, reason=reason
    )


def refused(centre, **asked):
    with pytest.raises(RefusedError) as caught:
        ask(centre, **asked)
    return caught.value.code


def test_the_opening_stands_before_the_first_byte_and_the_closing_tells_the_seconds(centre):
    """Purpose, reason, campaign, principal; no name, and no address that means anything."""
    playing = ask(centre)
    (opening,) = centre.writer.of("listening")
    assert (opening.principal, opening.purpose, opening.reason, opening.heard_ms) == ("eva-1", "quality", "coaching", 0)
    assert (opening.recording, opening.campaign, opening.ended_at) == (centre.recording, "quality", 0)
    assert playing.length_ms == SECONDS * 1_000
    assert centre.recording not in playing.ident
    sound = b"".join(centre.playbacks.read(playing, 0, 44 + 16_000 * 10))
    assert sound == WAV[: 44 + 16_000 * 10]
    assert centre.playbacks.close(playing.ident, "eva-1") in range(9_900, 10_100)
    closing = centre.writer.of("listening")[-1]
    assert closing.listening == opening.listening
    assert closing.version > opening.version
    assert closing.ended_at > opening.started_at
    assert closing.heard_ms in range(9_900, 10_100)
    assert centre.playbacks.close(playing.ident, "eva-1") == -1


def test_only_who_is_named_for_the_announced_purpose_with_a_reason(centre):
    """Another evaluator, another purpose, no reason, another's company, no such recording: nothing is opened."""
    assert refused(centre, principal="eva-2") == "playback_not_a_listener"
    assert refused(centre, purpose=Purpose.TRAINING) == "playback_other_purpose"
    assert refused(centre, purpose="") == "playback_other_purpose"
    assert refused(centre, reason="") == "playback_reason_missing"
    assert refused(centre, reason="unstated") == "playback_reason_missing"
    assert refused(centre, controllers=("boreal",)) == "playback_unknown"
    assert refused(centre, recording="f" * 32) == "playback_unknown"
    assert centre.writer.of("listening") == []


def test_playing_one_past_its_limit_is_impossible(centre):
    """The file is still there, and even held: nobody hears it; nor does a playback go on across its limit."""
    playing = ask(centre)
    centre.now += 26 * DAY_US
    assert centre.names() == ["0199000001-A-1.wav"]
    assert refused(centre) == "playback_past_limit"
    with pytest.raises(RefusedError, match=r"playback_past_limit|playback_over"):
        centre.playbacks.get(playing.ident, "eva-1")
    with pytest.raises(RefusedError, match="playback_past_limit"):
        centre.playbacks.may_go_on(playing)
    assert centre.playbacks.listed("eva-1", ("aurore",)) == []


def test_an_objection_ends_what_is_being_heard(centre):
    """Asked again before each stretch; the closing says what was heard until then."""
    playing = ask(centre)
    centre.objects("A-1")
    with pytest.raises(RefusedError, match="playback_objected"):
        centre.playbacks.may_go_on(playing)
    assert centre.writer.of("listening")[-1].ended_at > 0
    assert refused(centre) == "playback_objected"


def test_after_the_closing_nothing_more_is_sent(centre):
    """A stream under way ends with the playback: the entry told what was heard, more would be heard uncounted."""
    playing = ask(centre)
    blocks = centre.playbacks.read(playing, 0, len(WAV))
    assert next(blocks)
    centre.playbacks.close(playing.ident, "eva-1")
    with pytest.raises(RefusedError, match="playback_over"):
        centre.playbacks.may_go_on(playing)
    assert list(blocks) == []


@pytest.mark.parametrize("length_ms", [SECONDS * 1_000, 0])
def test_a_playback_is_sent_hardly_faster_than_it_is_heard(centre, length_ms):
    """Whatever the number of its requests, and of unknown length too; what was not sent is given back."""
    playing = ask(centre)
    playing.length_ms = length_ms
    pace, second = centre.playbacks.pace, 16_000
    assert pace(playing, 5 * second, 100.0) == 0.0
    assert pace(playing, 20 * second, 100.0) == pytest.approx(0, abs=0.1)
    assert pace(playing, 5 * second, 100.0) == pytest.approx(16, abs=0.1)  # another request, at once
    assert pace(playing, -5 * second, 100.0) >= 0
    assert pace(playing, 5 * second, 110.0) == pytest.approx(6, abs=0.1)
    assert pace(playing, 5 * second, 900.0) == 0.0
    assert pace(playing, 10 * second, 900.0) == pytest.approx(0, abs=0.1)
    assert pace(playing, 5 * second, 900.0) == pytest.approx(8, abs=0.1)  # a pause saves up nothing


def test_an_address_belongs_to_who_asked(centre):
    """Another person's address answers nothing, whatever he may hear himself."""
    playing = ask(centre)
    with pytest.raises(RefusedError, match="playback_over"):
        centre.playbacks.get(playing.ident, "dpo-1")
    assert centre.playbacks.close(playing.ident, "dpo-1") == -1
    assert centre.playbacks.get(playing.ident, "eva-1") is playing


def test_a_page_that_was_left_is_closed(centre):
    """Ten minutes without a request."""
    ask(centre)
    assert centre.playbacks.sweep() == 0
    centre.now += SILENCE_US + 1_000
    assert centre.playbacks.sweep() == 1
    assert centre.writer.of("listening")[-1].ended_at > 0


def test_a_killed_core_loses_little_and_closes_later(centre):
    """What was heard is written every half minute; the next core closes with that."""
    playing = ask(centre)
    b"".join(centre.playbacks.read(playing, 0, 44 + 16_000 * 50))
    saved = centre.writer.of("listening")[-1]
    assert SAVE_EVERY_MS <= saved.heard_ms <= 50_000
    again = Playbacks(centre.audio, centre.writer, centre.clock)
    again.sweep()
    closing = centre.writer.of("listening")[-1]
    assert (closing.listening, closing.heard_ms) == (saved.listening, saved.heard_ms)
    assert closing.ended_at > 0
    count = len(centre.writer.of("listening"))
    again.sweep()
    assert len(centre.writer.of("listening")) == count


def test_a_file_that_is_gone_or_of_another_format_is_told(centre):
    """Refused in words, without an entry."""
    centre.call("A-2", 2)
    centre.file("A-2", ending="gsm")
    other = centre.told("A-2", 2, ending="gsm")
    assert refused(centre, recording=other) == "playback_format"
    (centre.home / "monitor" / "0199000001-A-1.wav").unlink()
    assert refused(centre) == "playback_absent"


def test_the_list_shows_what_one_may_ask_for(centre):
    """Of campaigns that name him, in his companies; no agent stands in it."""
    (row,) = centre.playbacks.listed("eva-1", ("aurore",))
    assert (row["recording"], row["purpose"]) == (centre.recording, "quality")
    assert not [name for name in row if "agent" in name or "person" in name or "ident" in name]
    assert centre.playbacks.listed("eva-2", ("aurore",)) == []
    assert centre.playbacks.listed("eva-1", ("boreal",)) == []
