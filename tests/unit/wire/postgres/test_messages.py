"""Message bodies are decoded and encoded by the manual's layouts."""

import pytest

from quivive.wire.framing import PeerError
from quivive.wire.postgres import messages


def test_startup_settings() -> None:
    """Parameters and `options -c name=value` become session settings; user and database do not."""
    packet = (
        bytes(8) + b"user\0a\0database\0b\0application_name\0crm\0options\0-c quivive.agent=x\\ y --work-mem=1MB\0\0"
    )
    assert messages.session_settings(messages.startup_parameters(packet)) == {
        "application_name": "crm",
        "quivive.agent": "x y",
        "work_mem": "1MB",
    }


def test_channel_binding_is_taken_out() -> None:
    """-PLUS mechanisms go, the others stay in order."""
    body = b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"
    assert messages.without_channel_binding(body) == b"\0\0\0\x0aSCRAM-SHA-256\0\0"


def test_error_round_trip() -> None:
    """The SQLSTATE of an ErrorResponse of ours is read back; no other field is."""
    error = messages.error_response(severity="ERROR", state="58030", message="no")
    assert messages.error_state(error, 5, len(error)) == "58030"


def test_bind_with_mixed_formats_and_null() -> None:
    """Portal, statement, formats, values with NULL, result formats."""
    body = b"p\0s\0\0\2\0\0\0\1\0\2\0\0\0\2ab\xff\xff\xff\xff\0\1\0\1"
    assert messages.bind_message(body, 0, len(body)) == (b"p", b"s", (0, 1), [b"ab", None], (1,))
    with pytest.raises(PeerError):
        messages.bind_message(body[:-9], 0, len(body) - 9)


def test_one_format_holds_for_all() -> None:
    """None given is text, one given holds for all (Bind)."""
    assert [messages.format_of(formats, 1) for formats in ((), (1,), (0, 1))] == [0, 1, 1]
