"""Requests become what is due."""

import struct

import pytest
from transcripts import Notes

from quivive.wire.framing import PeerError
from quivive.wire.postgres import messages
from quivive.wire.postgres.session import PgSession
from quivive.wire.postgres.state import MAX_DUE, MAX_PORTALS

EXECUTE = messages.frame(b"E", b"\0\0\0\0\0")


def parse(name: bytes, text: bytes) -> bytes:
    return messages.frame(b"P", name + b"\0" + text + b"\0\0\0")


def bind(portal: bytes, statement: bytes, *values: bytes) -> bytes:
    body = b"".join(struct.pack("!I", len(value)) + value for value in values)
    return messages.frame(
        b"B", portal + b"\0" + statement + b"\0\0\0" + struct.pack("!H", len(values)) + body + b"\0\0"
    )


def test_binds_belong_to_their_execution() -> None:
    """Two executions pipelined have each their own values, and lose them once told."""
    notes = Notes()
    session = PgSession(notes)
    session.client_bytes(
        parse(b"s", b"select $1") + bind(b"", b"s", b"1") + EXECUTE + bind(b"", b"s", b"2") + EXECUTE + messages.SYNC
    )
    assert [event[4] for event in notes.events if event[0] == "sent"] == [(b"1",), (b"2",)]
    assert [execution.binds for execution in session.running] == [[], []]


def test_only_the_first_execution_is_fresh() -> None:
    """A comment is valid for the text just sent, never for a re-executed statement (case 65)."""
    notes = Notes()
    session = PgSession(notes)
    session.client_bytes(parse(b"s", b"select 1") + (bind(b"", b"s") + EXECUTE) * 3)
    assert [execution.fresh_text for execution in notes.kept] == [True, False, False]


def test_an_unknown_portal_is_an_unseen_text() -> None:
    """Execute of a portal that SQL declared is told as an unseen text, not dropped."""
    notes = Notes()
    session = PgSession(notes)
    session.client_bytes(messages.frame(b"E", b"cursor\0\0\0\0\0"))
    assert notes.events == [("sent", 0, b"", 0, ())]


def test_portals_are_bounded() -> None:
    """A client that opens portals without end makes the session forget the oldest."""
    session = PgSession(Notes())
    session.client_bytes(parse(b"s", b"select 1"))
    session.server_bytes(messages.frame(b"1", b""))
    for number in range(MAX_PORTALS + 9):
        session.client_bytes(bind(b"p%d" % number, b"s"))
        session.server_bytes(messages.frame(b"2", b""))
    assert len(session._portals) == MAX_PORTALS


def test_a_pipeline_is_bounded() -> None:
    """A pipeline deeper than what is followed is a PeerError: the stream goes on unread, with a gap."""
    session = PgSession(Notes())
    with pytest.raises(PeerError):
        session.client_bytes(messages.SYNC * (MAX_DUE + 1))


def test_an_unknown_message_is_a_peer_error() -> None:
    """A client message of a type protocol 3 does not have is not guessed at."""
    with pytest.raises(PeerError):
        PgSession(Notes()).client_bytes(messages.frame(b"?", b""))
