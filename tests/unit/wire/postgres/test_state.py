"""What a connection is in the middle of."""

from transcripts import Notes

from quivive.wire.framing import MAX_FRAME_KEPT
from quivive.wire.postgres.session import PgSession
from quivive.wire.postgres.state import Execution, SessionState, Simple, Statement


def test_the_last_statement_takes_the_surplus() -> None:
    """Answers beyond the statements told apart belong to the last of them."""
    executions = [Execution(Statement(None), index=index) for index in range(2)]
    simple = Simple(executions)
    simple.at = 5
    assert simple.current() is executions[1]


def test_a_new_statement_is_fresh_and_undescribed() -> None:
    """A text just sent may name the agent by comment; its columns are not known."""
    statement = Statement("text", (20,))
    assert (statement.fresh, statement.fields, statement.lane, statement.types) == (True, None, None, (20,))


def test_a_guarded_session_keeps_whole_frames() -> None:
    """Only an unguarded session may judge a long message by its head: a guarded one passes nothing half."""
    frame = b"D" + (MAX_FRAME_KEPT + 100).to_bytes(4, "big") + bytes(MAX_FRAME_KEPT)
    for guarded in (False, True):
        state: SessionState = PgSession(Notes(), guarded=guarded)
        state._from_server.keep(frame, 0)
        assert bool(state._from_server.cut) is not guarded
