"""Frames: sealed, bound to their header, damaged by any flipped bit."""

import pytest

from quivive.ledger.frame import (
    PREFIX_BYTES,
    FrameError,
    FrameHeader,
    FrameSealError,
    check_frame,
    decode_header,
    encode_frame,
    frame_length,
    open_frame,
    source_ranges,
)

KEY = b"k" * 32
HEADER = FrameHeader(
    log="0f" * 16,
    shard="aurore/202611",
    retention_class="trace",
    day="20261123",
    first=40,
    count=3,
    sources=(("s1", 9, ((1, 2), (5, 5))),),
    key="ab",
    nonce=b"n" * 12,
)
EVENTS = [b'{"a":1}', b"", b"x" * 1000]
SALTS = bytes(range(96))


def test_a_frame_opens_to_its_salts_and_events():
    """Header, salts and events come back in order."""
    data = encode_frame(HEADER, KEY, SALTS, EVENTS)
    assert frame_length(data[:PREFIX_BYTES]) == len(data)
    assert check_frame(data) == HEADER
    assert open_frame(data, KEY) == [(SALTS[:32], EVENTS[0]), (SALTS[32:64], EVENTS[1]), (SALTS[64:], EVENTS[2])]
    assert EVENTS[0] not in data


def test_every_flipped_bit_is_seen_without_the_key():
    """The checksum covers prefix, header, ciphertext and itself."""
    data = encode_frame(HEADER, KEY, SALTS, EVENTS)
    for bit in range(len(data) * 8):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FrameError):
            check_frame(bytes(altered))


def test_a_forged_header_does_not_open():
    """Whoever repairs the checksum still cannot alter the header or put the frame under another key."""
    data = encode_frame(HEADER, KEY, SALTS, EVENTS)
    forged = data.replace(b"aurore/202611", b"boreal/202611")
    from zlib import crc32

    forged = forged[:-4] + crc32(forged[:-4]).to_bytes(4)
    assert check_frame(forged).shard == "boreal/202611"
    for altered, key in ((forged, KEY), (data, b"x" * 32)):
        with pytest.raises(FrameSealError):
            open_frame(altered, key)


def test_a_cut_frame_is_no_frame():
    """Every shorter prefix is refused."""
    data = encode_frame(HEADER, KEY, SALTS, EVENTS)
    for length in range(len(data)):
        with pytest.raises(FrameError):
            check_frame(data[:length])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        HEADER.encode().replace(b'"v":1', b'"v":2'),
        HEADER.encode().replace(b'"count":3', b'"count":"x"'),
    ],
)
def test_what_is_no_header_is_refused(text):
    """A newer version asks for an upgrade, anything else is malformed."""
    with pytest.raises(FrameError):
        decode_header(text)


def test_sequence_numbers_become_ranges():
    """Consecutive numbers of one source and epoch become one range."""
    places = [("b", 1, 5), ("a", 2, 3), ("a", 2, 1), ("a", 2, 2), ("a", 1, 9), ("b", 1, 7)]
    assert source_ranges(places) == (("a", 1, ((9, 9),)), ("a", 2, ((1, 3),)), ("b", 1, ((5, 5), (7, 7))))
