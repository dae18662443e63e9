"""Answers are matched to what is due, in order."""

import struct

import pytest
from test_frontend import EXECUTE, bind, parse
from transcripts import Notes

from quivive.wire.framing import PeerError
from quivive.wire.postgres import messages
from quivive.wire.postgres.session import PgSession

IDLE = messages.ready_for_query(0x49)


def description(*names: bytes) -> bytes:
    fields = b"".join(name + b"\0" + struct.pack("!IhIhih", 16_400, 1, 20, 8, -1, 0) for name in names)
    return messages.frame(b"T", struct.pack("!H", len(names)) + fields)


def error(state: bytes) -> bytes:
    return messages.frame(b"E", b"SERROR\0C" + state + b"\0\0")


@pytest.mark.parametrize("answer", [b"1", b"2", b"3", b"n", b"C", b"s", b"Z", b"V"])
def test_an_answer_without_a_request(answer: bytes) -> None:
    """What answers nothing is a PeerError: the stream is not the one we follow."""
    with pytest.raises(PeerError):
        PgSession(Notes()).server_bytes(messages.frame(answer, b"I\0"))


@pytest.mark.parametrize("between", [b"N", b"A", b"S"])
def test_asynchronous_messages_pass_anywhere(between: bytes) -> None:
    """Notices, notifications and parameters may come at any time (case 31)."""
    notes = Notes()
    session = PgSession(notes)
    aside = messages.frame(between, b"x\0y\0")
    session.server_bytes(aside)
    session.client_bytes(messages.frame(b"Q", b"select 1\0"))
    session.server_bytes(aside + description(b"id") + aside + messages.frame(b"C", b"SELECT 0\0") + aside + IDLE)
    assert notes.tags() == [b"SELECT 0"]


def test_the_same_description_is_the_same_object() -> None:
    """Columns described by the same bytes are found again by identity; other columns are not."""
    notes = Notes()
    session = PgSession(notes)
    for names in ((b"id",), (b"id",), (b"id", b"phone")):
        session.client_bytes(messages.frame(b"Q", b"select\0"))
        session.server_bytes(description(*names) + messages.frame(b"C", b"SELECT 0\0") + IDLE)
    first, second, third = (event[2] for event in notes.events if event[0] == "described")
    assert first is second
    assert third is not first


def test_an_error_skips_to_sync() -> None:
    """After an error the statements up to Sync were not executed, and the names they gave are forgotten (case 22)."""
    notes = Notes()
    session = PgSession(notes)
    session.client_bytes(
        parse(b"a", b"select 1") + bind(b"", b"a") + EXECUTE + parse(b"b", b"select 2") + bind(b"", b"b") + EXECUTE
    )
    session.client_bytes(messages.SYNC)
    answers = messages.frame(b"1", b"") + messages.frame(b"2", b"") + error(b"22012") + IDLE
    session.server_bytes(answers)
    assert ("failed", 0, "22012") in notes.events
    assert session.running == []
    assert set(session._statements) == {b"a"}


def test_goodbye_of_the_server() -> None:
    """An error nobody asked for (administrator, timeout) is told once and breaks nothing (case 33)."""
    notes = Notes()
    PgSession(notes).server_bytes(error(b"57P01"))
    assert notes.events == [("failed", -1, "57P01")]


def test_a_suspended_portal_ends_with_its_transaction() -> None:
    """PortalSuspended keeps an execution open until ReadyForQuery says idle (case 21)."""
    notes = Notes()
    session = PgSession(notes)
    session.client_bytes(parse(b"", b"select 1") + bind(b"", b"") + EXECUTE + messages.SYNC)
    session.server_bytes(messages.frame(b"1", b"") + messages.frame(b"2", b"") + messages.frame(b"s", b""))
    assert len(session.running) == 1
    session.server_bytes(IDLE)
    assert ("closed", 0) in notes.events
    assert session.running == []
