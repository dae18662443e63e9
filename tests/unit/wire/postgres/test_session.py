"""PgSession over golden transcripts, whole and split at every place."""

import struct

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from transcripts import NAMES, Notes, play, split, transcript

from quivive.wire.framing import MAX_FRAME_KEPT, PeerError
from quivive.wire.postgres import messages
from quivive.wire.postgres.session import PgSession
from quivive.wire.postgres.state import MAX_STATEMENTS


def whole(name: str) -> Notes:
    notes = Notes()
    play(transcript(name), notes)
    return notes


def test_there_are_transcripts() -> None:
    """The golden folder is not empty."""
    assert len(NAMES) >= 17


@pytest.mark.parametrize("name", NAMES)
def test_byte_by_byte_tells_the_same(name: str) -> None:
    """Reads of one byte tell exactly what whole reads tell."""
    notes = Notes()
    play(split(transcript(name), lambda length: list(range(1, length))), notes)
    assert notes.story() == whole(name).story()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_splits_tell_the_same(name: str, data: st.DataObject) -> None:
    """Any split of the reads tells exactly what whole reads tell."""
    notes = Notes()
    reads = split(transcript(name), lambda n: data.draw(st.lists(st.integers(1, max(1, n - 1)), max_size=8)))
    play(reads, notes)
    assert notes.story() == whole(name).story()


@pytest.mark.parametrize("name", NAMES)
def test_guarded_passes_the_same_bytes(name: str) -> None:
    """A guarded session that refuses nothing lets every byte pass unchanged, however it is split."""
    reads = transcript(name)
    for shape in (reads, split(reads, lambda length: list(range(3, length, 3)))):
        _, to_server, to_client = play(shape, Notes(), guarded=True)
        assert to_server == b"".join(data for way, data in reads if way == "C")
        assert to_client == b"".join(data for way, data in reads if way == "S")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_over(name: str) -> None:
    """At the end of a transcript no execution is still running."""
    session, _, _ = play(transcript(name), Notes())
    assert session.running == []


@pytest.mark.parametrize("name", NAMES)
def test_waiting_for_the_observer_changes_nothing(name: str) -> None:
    """An observer that is not ready for the first rows gets them later, all of them."""
    notes = Notes(later=True)
    play(transcript(name), notes)
    assert notes.story() == whole(name).story()


def test_simple_rows() -> None:
    """A simple query gives its rows and tag."""
    notes = whole("simple")
    assert notes.tags() == [b"SELECT 3"]
    assert notes.first[0] == [b"1", b"2", b"3"]


def test_error_in_the_middle_of_a_simple_query() -> None:
    """The statements behind the failing one are not completed (case 14)."""
    notes = whole("simple_error")
    assert ("failed", 1, "22012") in notes.events
    assert notes.tags()[:2] == [b"SELECT 1", b"SELECT 1"]


def test_error_in_mid_result() -> None:
    """Rows seen before an error are counted."""
    notes = whole("mid_result_error")
    assert ("failed", 0, "22012") in notes.events
    assert notes.rows_of[0] == 4


def test_reexecuted_statement_keeps_its_columns() -> None:
    """A statement described once is known when executed again (case 18)."""
    notes = whole("asyncpg_reuse")
    runs = [execution for execution in notes.kept if execution.statement.known.startswith(b"select id, last_name")]
    assert len(runs) == 3
    assert len({id(run.statement) for run in runs}) == 1
    assert [field.name for field in runs[2].statement.fields or ()] == ["id", "last_name"]
    assert [run.fresh_text for run in runs] == [True, False, False]


def test_row_limit_is_one_execution() -> None:
    """PortalSuspended and its resumption belong to one execution, rows summed (case 21)."""
    notes = whole("asyncpg_cursor")
    suspended = [event[1] for event in notes.events if event[0] == "suspended"]
    assert len(suspended) == 2
    assert len(set(suspended)) == 1
    assert notes.rows_of[suspended[0]] == 10  # type: ignore[index]


def test_pipeline_error_skips_to_sync() -> None:
    """After an error in a pipeline what follows is not executed (case 22)."""
    notes = whole("psycopg_pipeline_error")
    failed = [event for event in notes.events if event[0] == "failed"]
    assert [event[2] for event in failed] == ["22012"]


def test_copy_out_bodies() -> None:
    """COPY TO gives its bodies in order."""
    notes = whole("copy_text")
    copied = b"".join(event[3] for event in notes.events if event[0] == "copy")  # type: ignore[misc]
    assert copied.startswith(b"1\tNom1\n2\tNom2\n")
    assert notes.tags() == [b"COPY 5", b"COPY 2"]


def test_copy_in_failing_keeps_the_session_in_step() -> None:
    """COPY FROM refused by the server while data flows: the next statement is told apart (case 36)."""
    notes = whole("copy_from_error")
    assert notes.tags()[-1] == b"SELECT 1"


def frame(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def test_refusal_of_a_simple_query() -> None:
    """A refused Query becomes a Sync, and the refusal stands before its ReadyForQuery (case 29)."""
    session = PgSession(Notes(refuse=True), guarded=True, refusal=b"<refused>")
    assert session.client_bytes(frame(b"Q", b"select 1\x00")) == messages.SYNC
    assert session.server_bytes(b"Z\x00\x00\x00\x05I") == b"<refused>Z\x00\x00\x00\x05I"


def test_refusal_in_the_extended_protocol() -> None:
    """A refused Execute swallows up to Sync: one refusal, one ReadyForQuery (case 29)."""
    notes = Notes()
    session = PgSession(notes, guarded=True, refusal=b"<refused>")
    parse = frame(b"P", b"\x00select 1\x00\x00\x00")
    bind = frame(b"B", b"\x00\x00\x00\x00\x00\x00\x00\x00")
    execute = frame(b"E", b"\x00\x00\x00\x00\x00")
    notes.refuse = True
    passed = session.client_bytes(parse + bind + execute + bind + execute + messages.SYNC)
    assert passed == parse + bind + messages.SYNC
    answer = frame(b"1", b"") + frame(b"2", b"")
    ready = b"Z\x00\x00\x00\x05I"
    assert session.server_bytes(answer + ready) == answer + b"<refused>" + ready
    notes.refuse = False
    assert session.client_bytes(parse) == parse


def test_failed_parse_leaves_the_older_statement() -> None:
    """A Parse that fails does not hide the statement that had its name (case 24)."""
    notes = Notes()
    session = PgSession(notes)
    ready = b"Z\x00\x00\x00\x05I"
    session.client_bytes(frame(b"P", b"s\x00select 1\x00\x00\x00") + messages.SYNC)
    session.server_bytes(frame(b"1", b"") + ready)
    session.client_bytes(frame(b"P", b"s\x00select 2\x00\x00\x00") + messages.SYNC)
    session.server_bytes(frame(b"E", b"C42P05\x00\x00") + ready)
    session.client_bytes(frame(b"B", b"\x00s\x00\x00\x00\x00\x00\x00\x00") + frame(b"E", b"\x00\x00\x00\x00\x00"))
    assert notes.events[-1][2] == b"select 1"


def test_statements_are_bounded() -> None:
    """100,000 prepared statements stay within the bound; a forgotten one is executed as an unseen text (case 28)."""
    notes = Notes()
    session = PgSession(notes)
    for number in range(MAX_STATEMENTS + 10):
        session.client_bytes(frame(b"P", b"s%d\x00select %d\x00\x00\x00" % (number, number)))
        session.server_bytes(frame(b"1", b""))
    assert len(session._statements) == MAX_STATEMENTS
    session.client_bytes(frame(b"B", b"\x00s0\x00\x00\x00\x00\x00\x00\x00") + frame(b"E", b"\x00\x00\x00\x00\x00"))
    assert notes.events[-1][2] == b""


def test_a_huge_row_is_counted_and_not_kept() -> None:
    """A row above the bound is judged by its head and its bytes are not held (case 42)."""
    notes = Notes()
    session = PgSession(notes)
    session.client_bytes(frame(b"Q", b"select id, picture\x00"))
    body = struct.pack("!H", 2) + struct.pack("!I", 2) + b"17" + struct.pack("!I", 4 << 20) + bytes(4 << 20)
    row = frame(b"D", body)
    for at in range(0, len(row), 65536):
        session.server_bytes(row[at : at + 65536])
        assert session._from_server.held <= MAX_FRAME_KEPT + 65536
    session.server_bytes(frame(b"C", b"SELECT 1\x00") + b"Z\x00\x00\x00\x05I")
    assert notes.rows_of[0] == 1
    assert notes.first[0] == [b"17"]
    assert notes.tags() == [b"SELECT 1"]


def test_a_huge_statement_is_judged_by_its_head() -> None:
    """A statement of 20 MB passes; the session stays in step (case 41)."""
    notes = Notes()
    session = PgSession(notes)
    text = frame(b"Q", b"select '" + b"x" * (20 << 20) + b"'\x00")
    for at in range(0, len(text), 1 << 18):
        session.client_bytes(text[at : at + (1 << 18)])
    session.server_bytes(frame(b"C", b"SELECT 1\x00") + b"Z\x00\x00\x00\x05I")
    assert notes.tags() == [b"SELECT 1"]


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_noise_raises_peer_error_alone(client: bytes, server: bytes) -> None:
    """Whatever bytes come, nothing but PeerError is raised."""
    session = PgSession(Notes())
    try:
        session.client_bytes(client)
        session.server_bytes(server)
    except PeerError:
        pass


@example([(ord("Q"), b"")], [(ord("D"), b"")])  # a row without the count of its columns
@example([(ord("Q"), b"")], [(ord("D"), b"\0\0"), (ord("D"), b"\0\1\xff\xff")])
@given(
    st.lists(st.tuples(st.sampled_from(list(b"PBDECSHQFdcfX")), st.binary(max_size=40)), max_size=6),
    st.lists(st.tuples(st.sampled_from(list(b"123tTnDCIsEZGHWdcVNAS")), st.binary(max_size=40)), max_size=8),
)
def test_framed_noise_raises_peer_error_alone(
    requests: list[tuple[int, bytes]], answers: list[tuple[int, bytes]]
) -> None:
    """Well-framed messages with any body raise nothing but PeerError."""
    session = PgSession(Notes())
    try:
        session.client_bytes(b"".join(frame(bytes((kind,)), body) for kind, body in requests))
        session.server_bytes(b"".join(frame(bytes((kind,)), body) for kind, body in answers))
    except PeerError:
        pass
