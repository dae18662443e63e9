"""Answers are matched to what is due, in order."""

import struct

import pytest
from test_frontend import EXECUTE, bind, parse
from transcripts import Notes

from quivive.wire.framing import PeerError
from quivive.wire.postgres import messages
from quivive.wire.postgres.session import PgSession
from quivive.wire.postgres.state import MAX_STATEMENTS

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


@pytest.mark.parametrize("late", [True, False])
def test_a_query_behind_a_failed_batch_is_skipped(late: bool) -> None:
    """Up to Sync the server discards simple queries too, whether they were sent before its error or after (case 22)."""
    notes = Notes()
    session = PgSession(notes)
    skipped = (
        messages.frame(b"Q", b"select 2; select 3\0") + bind(b"", b"") + EXECUTE + messages.frame(b"Q", b"select 4\0")
    )
    session.client_bytes(parse(b"", b"selec 1") + (b"" if late else skipped))
    session.server_bytes(error(b"42601"))
    session.client_bytes((skipped if late else b"") + messages.SYNC)
    session.server_bytes(IDLE)
    assert session.running == []
    session.client_bytes(messages.frame(b"Q", b"select 5\0"))
    session.server_bytes(messages.frame(b"C", b"SELECT 1\0") + IDLE)
    assert [event[0] for event in notes.events[-4:]] == ["sent", "sync", "completed", "ready"]
    assert notes.events.count(("sync_skipped",)) == (0 if late else 2)


def test_statements_behind_a_failed_one_are_skipped() -> None:
    """The server runs nothing of a simple Query behind its first error."""
    notes = Notes()
    session = PgSession(notes)
    session.client_bytes(messages.frame(b"Q", b"select 1; select 1/0; select 2\0"))
    session.server_bytes(messages.frame(b"C", b"SELECT 1\0") + error(b"22012") + IDLE)
    assert [event[:2] for event in notes.events if event[0] == "skipped"] == [("skipped", 1), ("skipped", 2)]


def test_errors_and_function_results_beyond_what_is_kept() -> None:
    """A message of megabytes is judged by its head and leaves the session in step."""
    notes = Notes()
    session = PgSession(notes)
    session.client_bytes(messages.frame(b"Q", b"select 1\0") + messages.frame(b"F", b"\0" * 10))
    huge = b"SERROR\0C22012\0M" + b"x" * (2 << 20) + b"\0\0"
    answer = messages.frame(b"E", huge) + IDLE + messages.frame(b"V", b"x" * (2 << 20)) + IDLE
    for at in range(0, len(answer), 100_000):
        session.server_bytes(answer[at : at + 100_000])
    assert ("failed", 0, "22012") in notes.events
    assert notes.tags() == [b"SELECT 1"]
    assert session.running == []


def test_forgotten_statements_are_bounded_too() -> None:
    """Binding names that were never prepared does not grow what is remembered (case 28)."""
    session = PgSession(Notes())
    for number in range(MAX_STATEMENTS + 5):
        session.client_bytes(bind(b"", b"s%d" % number))
        session.server_bytes(messages.frame(b"2", b""))
    assert len(session._statements) == MAX_STATEMENTS
