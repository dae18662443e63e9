"""Hearing a recording: who may, which bytes, how much was heard. Tables."""

import pytest

from quivive.model.audio import AudioClock, AudioProposal, AudioReason
from quivive.model.clock import DAY_US
from quivive.recordings.judging import Judged, Seen
from quivive.recordings.playback import (
    PlaybackRefusal,
    Span,
    add_heard,
    heard_ms,
    milliseconds_of,
    refusal,
    sounding_s,
    span_of,
)

NOW = 1_795_356_300_000_000
SEEN = Seen(audio="a" * 32, store="s", controller="aurore", size_bytes=1, modified_at=0)


def judged(reason=AudioReason.WITHIN_LIMIT, proposal=AudioProposal.KEEP, days=1, limit=30, campaign="quality"):
    return Judged(
        seen=SEEN, proposal=proposal, reason=reason, clock=AudioClock.CALL_END, campaign=campaign, recording="",
        contact="", ended_at=NOW - days * DAY_US, limit_days=limit,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "principal", "expected"),
    [
        (judged(), "eva-1", None),
        (judged(), "eva-2", PlaybackRefusal.NOT_A_LISTENER),
        (judged(days=31), "eva-1", PlaybackRefusal.PAST_LIMIT),
        (judged(AudioReason.HELD, AudioProposal.HOLD, days=31), "eva-1", PlaybackRefusal.PAST_LIMIT),
        (judged(AudioReason.HELD, AudioProposal.HOLD), "eva-1", None),
        (judged(AudioReason.FOUND_AGAIN, AudioProposal.PURGE), "eva-1", PlaybackRefusal.PAST_LIMIT),
        (judged(AudioReason.CALLER_OBJECTED, AudioProposal.PURGE), "eva-1", PlaybackRefusal.OBJECTED),
        (judged(AudioReason.NO_PURPOSE, AudioProposal.PURGE, campaign=""), "eva-1", PlaybackRefusal.NO_PURPOSE),
        (judged(AudioReason.UNDECIDED, AudioProposal.HOLD, campaign=""), "eva-1", PlaybackRefusal.NO_PURPOSE),
        (judged(AudioReason.BEING_WRITTEN), "eva-1", PlaybackRefusal.BEING_WRITTEN),
    ],
)
def test_who_may_hear_what(found, principal, expected):
    """Past its limit nobody hears it, a hold or a file that is still there notwithstanding."""
    assert refusal(found, now=NOW, listeners=("eva-1",), principal=principal) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", (0, 100, False)),
        ("bytes=0-", (0, 100, True)),
        ("bytes=10-19", (10, 20, True)),
        ("bytes=90-500", (90, 100, True)),
        ("bytes=-30", (70, 100, True)),
        ("bytes=-300", (0, 100, True)),
        ("bytes=100-", None),
        ("bytes=20-10", None),
        ("bytes=-0", None),
        ("bytes=0-9,20-29", (0, 100, False)),
        ("seconds=1-2", (0, 100, False)),
        ("bytes=-", (0, 100, False)),
    ],
)
def test_a_range_is_one_stretch(header, expected):
    """RFC 9110 §14.2; what is no single range of bytes is answered with the whole."""
    found = span_of(header, 100)
    assert found == (
        None if expected is None else Span(start=expected[0], end=expected[1], size=100, partial=expected[2])
    )


def test_what_is_sent_twice_was_heard_once():
    """Seconds are counted over the union of the stretches; unknown length is said as such."""
    heard = []
    for stretch in ((0, 100), (50, 150), (300, 400), (150, 160)):
        heard = add_heard(heard, *stretch)
    assert heard == [(0, 160), (300, 400)]
    assert heard_ms(heard, 1_000, 10_000) == 2_600
    assert heard_ms(heard, 1_000, 0) == -1


def test_the_length_is_the_headers_own():
    """A WAV says its bytes a second; another format is as long as its source told."""
    head = b"RIFF" + bytes(4) + b"WAVEfmt " + bytes(12) + (16_000).to_bytes(4, "little") + bytes(12)
    assert milliseconds_of(head, 44 + 32_000, 0) == 2_000
    assert milliseconds_of(b"OggS" + bytes(60), 32_000, 5_000) == 5_000


def test_bytes_last_as_long_as_they_sound():
    """By the length of the whole; of unknown length, at a telephone's rate, never for nothing."""
    assert sounding_s(16_000 * 20, 16_000 * 600, 600_000) == pytest.approx(20)
    assert sounding_s(32_000, 32_000 * 10, 0) == pytest.approx(2)
