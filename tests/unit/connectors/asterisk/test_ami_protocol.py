"""Claims on the manager protocol: cut anywhere it reads the same; what exceeds a bound is dropped whole and counted."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.connectors.asterisk.ami_protocol import MAX_LINE_BYTES, MAX_MESSAGE_LINES, AmiParser, action
from quivive.model.errors import RefusedError

STREAM = (
    b"Asterisk Call Manager/9.0.0\r\nResponse: Success\r\nActionID: login\r\nMessage: Authentication accepted\r\n\r\n"
    b"Event: Newchannel\r\nChannel: PJSIP/4105-0000000a\r\nExten: 0800\r\nLinkedid: 1.1\r\n\r\n"
    b"Event: Hangup\r\nCause-txt: Normal: Clearing\r\nChannel: a\r\nChannel: b\r\n\r\n"
)


def read(*pieces):
    parser = AmiParser()
    return [message for piece in pieces for message in parser.feed(piece)], parser


def test_what_is_read():
    """Names in lower case, values as they stand, the first of a repeated header, the greeting apart."""
    messages, parser = read(STREAM)
    assert [message.get("event", message.get("response")) for message in messages] == [
        "Success",
        "Newchannel",
        "Hangup",
    ]
    assert messages[2] == {"event": "Hangup", "cause-txt": "Normal: Clearing", "channel": "a"}
    assert (parser.banner, parser.dropped) == ("Asterisk Call Manager/9.0.0", 0)


@pytest.mark.parametrize("place", range(len(STREAM) + 1))
def test_split_at_every_byte(place):
    """Two pieces read as one."""
    assert read(STREAM[:place], STREAM[place:])[0] == read(STREAM)[0]


def test_byte_by_byte():
    """So do single bytes."""
    assert read(*(bytes([byte]) for byte in STREAM))[0] == read(STREAM)[0]


@pytest.mark.parametrize("cut", [61, 4096, 1 << 20])
def test_a_line_beyond_its_bound_costs_its_message_only(cut):
    """Dropped, counted, and the next one is whole; the bytes are not kept."""
    data = b"Event: A\r\nX: " + b"x" * (MAX_LINE_BYTES * 2) + b"\r\n\r\nEvent: B\r\n\r\n"
    messages, parser = read(*(data[at : at + cut] for at in range(0, len(data), cut)))
    assert messages == [{"event": "B"}]
    assert parser.dropped == 1
    assert len(parser._pending) == 0


def test_a_message_beyond_its_lines_is_dropped_whole():
    """Never a part of it."""
    data = b"Event: A\r\n" + b"".join(b"H%d: 1\r\n" % number for number in range(MAX_MESSAGE_LINES)) + b"\r\n"
    messages, parser = read(data + b"Event: B\r\n\r\n")
    assert messages == [{"event": "B"}]
    assert parser.dropped == 1


@pytest.mark.parametrize("value", ["a\r\nAction: Originate", "a\nb", "a\rb"])
def test_no_second_action_can_be_smuggled_in(value):
    """A line break in a header is refused, and the refusal does not repeat it."""
    with pytest.raises(RefusedError) as refused:
        action("Login", Username=value)
    assert value not in str(refused.value)


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_any_bytes_cut_anywhere(data, cuts):
    """Nothing raises, and the cuts change nothing."""
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert read(*pieces)[0] == read(data)[0]
