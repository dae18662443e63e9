"""Segment scanning goes on behind damage."""

from quivive.ledger.finding import FindingCode
from quivive.ledger.recovery import read_frames
from quivive.ledger.segcheck import Segments, scan_segments


def test_damage_hides_one_frame_and_not_the_rest(home):
    """Of three frames the middle one is damaged in its body, then in its very first byte: two are still found."""
    ledger = home.open()
    for first in (1, 6, 11):
        ledger.append(home.events(first, first + 4), home.now)
    ledger.close()
    path = home.path / "segments/aurore/trace/20261118"
    places = [found.place for found in read_frames(home.path, path, 0)]
    whole = path.read_bytes()
    for offset in (places[1].start + 60, places[1].start):
        altered = bytearray(whole)
        altered[offset] ^= 1
        path.write_bytes(altered)
        *findings, found = scan_segments(home.path, None)
        assert isinstance(found, Segments)
        (frames,) = found.shards.values()
        assert [frame.first for frame in frames] == [0, 10]
        assert [(f.code, f.place) for f in findings] == [
            (FindingCode.SEGMENT_DAMAGED, f"segments/aurore/trace/20261118 at {places[1].start}")
        ]


def test_an_empty_file_is_nothing(home):
    """A file created just before a crash holds no frame and no damage."""
    path = home.path / "segments/aurore/trace/20261118"
    path.parent.mkdir(parents=True)
    path.touch()
    assert [type(item) for item in scan_segments(home.path, None)] == [Segments]
