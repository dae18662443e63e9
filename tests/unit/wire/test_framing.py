"""One unfinished frame is kept, never more, and an impossible length is refused."""

import pytest

from quivive.wire.framing import FrameBuffer, PeerError


def test_unfinished_frames_come_whole() -> None:
    """A frame given byte by byte is handed out once it is whole."""
    frames, frame = FrameBuffer(), b"Q\0\0\0\x09abcd\0"
    for at in range(len(frame) - 1):
        buffer = frames.feed(frame[at : at + 1])
        if buffer:
            frames.keep(buffer, 0)
    assert not frames.whole
    assert frames.feed(frame[-1:]) == frame


def test_long_frames_are_cut_and_skipped() -> None:
    """Above the limit the head is kept once and the rest passes."""
    frames = FrameBuffer(16)
    frames.keep(frames.feed(b"D\0\0\0\x40" + bytes(20)), 0)
    assert len(frames.cut) == 25
    frames.cut = b""
    assert frames.feed(bytes(40) + b"next") == b"next"


@pytest.mark.parametrize("length", [b"\0\0\0\3", b"\xff\xff\xff\xff"])
def test_impossible_lengths(length: bytes) -> None:
    """Shorter than itself or longer than any message: a broken stream."""
    with pytest.raises(PeerError):
        FrameBuffer().keep(b"Q" + length, 0)
