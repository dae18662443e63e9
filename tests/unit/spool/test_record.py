"""One record: any flipped bit is seen."""

from dataclasses import replace

import pytest

from quivive.model.entry import EntryKind, SpoolEvent
from quivive.spool.record import MAX_PAYLOAD_BYTES, RecordError, RecordHead, decode_record, encode_record, record_end

EVENT = SpoolEvent(
    kind=EntryKind.LINK,
    source="s1",
    epoch=7,
    seq=9,
    captured_at=5,
    controller="aurore",
    key_id="k1",
    body=b'{"a":[1,2]}',
)


def test_round_trip():
    """What goes in comes out, body byte for byte."""
    data = encode_record(EVENT)
    assert record_end(data, 0) == len(data)
    assert decode_record(data, 0, len(data)) == EVENT


def test_every_flipped_bit_is_seen():
    """No single-bit change yields an event."""
    data = encode_record(EVENT)
    for bit in range(len(data) * 8):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << bit % 8
        try:
            end = record_end(bytes(altered), 0)
            if end is not None:
                decode_record(bytes(altered), 0, end)
                pytest.fail(f"bit {bit}")
        except RecordError:
            pass


def test_zeros_are_no_record():
    """What a power cut may leave at the end of a file does not decode."""
    with pytest.raises(RecordError):
        record_end(bytes(64), 0)


def test_a_short_block_asks_for_more():
    """Need more is not an error."""
    data = encode_record(EVENT)
    assert record_end(data[:-1], 0) is None
    assert record_end(data[:3], 0) is None


def test_an_event_too_large_is_refused():
    """A record has an upper bound."""
    with pytest.raises(RecordError):
        encode_record(replace(EVENT, body=b'"' + b"x" * MAX_PAYLOAD_BYTES + b'"'))


def test_a_head_encodes_the_same_bytes() -> None:
    """RecordHead gives exactly the record that encode_record gives, whatever stands in its names."""
    for event in (EVENT, replace(EVENT, source='é"x', controller="a\\b", key_id="k2")):
        head = RecordHead(
            kind=event.kind,
            source=event.source,
            epoch=event.epoch,
            controller=event.controller,
            key_id=event.key_id,
        )
        assert head.encode(event.seq, event.captured_at, event.body) == encode_record(event)
