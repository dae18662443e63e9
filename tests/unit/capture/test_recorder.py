"""The recorder tells executions as access entries: attribution, outcome, counting."""

from example_catalogue import KEYS
from relay_parts import ID_FIELDS, execution_of, make_context

from quivive.capture.recorder import Recorder
from quivive.model.access import CaptureMode
from quivive.model.entry import EntryKind
from quivive.privacy.pseudonym import agent_key, record_key
from quivive.wire.postgres.state import Execution

ROW = b"D\0\0\0\x10\0\2\0\0\0\2%b\xff\xff\xff\xff"
IDLE = 0x49


def run(recorder: Recorder, execution: Execution, keys: list[bytes], tag: bytes = b"SELECT 1") -> None:
    assert recorder.sent(execution)
    recorder.sync_sent()
    buffer = b"".join(ROW % key for key in keys)
    assert recorder.rows(execution, buffer, 0, len(buffer)) == len(buffer)
    recorder.completed(execution, tag)
    recorder.ready(IDLE)


def test_rows_become_their_keys() -> None:
    """A read gives one entry with the keys of its rows, attributed by the comment just sent."""
    context, spool = make_context()
    recorder = Recorder(context, login="app", startup={})
    run(recorder, execution_of(context, "select id, last_name from customer /*agent='c.duval'*/"), [b"17", b"18"])
    (body,) = spool.bodies(EntryKind.ACCESS)
    assert body["agent"] == agent_key(KEYS, "crm", "c.duval")
    assert body["records"][0]["keys"] == [record_key(KEYS, "public.customer", text) for text in ("17", "18")]
    assert (body["rows"], body["outcome"], body["coverage"]) == (2, "ok", "exact")


def test_nothing_protected_is_counted_only() -> None:
    """A statement that touches no protected table leaves no access, and is counted."""
    context, spool = make_context()
    execution = execution_of(context, "select 1")
    execution.statement.fields = ()
    recorder = Recorder(context, login="app", startup={})
    assert recorder.sent(execution)
    recorder.completed(execution, b"SELECT 1")
    context.flush_counts()
    assert spool.bodies(EntryKind.ACCESS) == []
    assert sum(body["statements"] for body in spool.bodies(EntryKind.ACCESS_COUNT)) == 1


def test_a_lost_connection_aborts_what_ran() -> None:
    """Rows seen so far stand in an aborted access."""
    context, spool = make_context()
    recorder = Recorder(context, login="app", startup={})
    execution = execution_of(context, "select id, last_name from customer")
    recorder.sent(execution)
    recorder.rows(execution, ROW % b"17", 0, 17)
    recorder.lost([execution])
    (body,) = spool.bodies(EntryKind.ACCESS)
    assert (body["outcome"], body["rows"], len(body["records"][0]["keys"])) == ("aborted", 1, 1)


def test_strict_has_a_part_before_its_rows_pass() -> None:
    """In strict the keys of a chunk are spooled when it ends, and the barrier is their number."""
    context, spool = make_context(mode=CaptureMode.STRICT)
    recorder = Recorder(context, login="app", startup={})
    execution = execution_of(context, "select id, last_name from customer")
    recorder.sent(execution)
    assert recorder.barrier == 0
    recorder.rows(execution, ROW % b"17", 0, 17)
    recorder.chunk_done()
    assert len(spool.bodies(EntryKind.ACCESS)) == recorder.barrier == 1


def test_closed_refuses_while_blind() -> None:
    """A closed source whose spool failed refuses data and lets transaction verbs pass."""
    context, spool = make_context(closed=True)
    recorder = Recorder(context, login="app", startup={})
    spool.full = True
    context.append(EntryKind.HEARTBEAT, b"{}")
    assert not recorder.sent(execution_of(context, "select id from customer"))
    assert recorder.sent(execution_of(context, "rollback"))


def test_extractions_follow_the_catalogue() -> None:
    """What a text shows is found again by identity, and worked out anew when the catalogue was read again."""
    context, _ = make_context()
    recorder = Recorder(context, login="app", startup={})
    found = []
    for generation in (1, 1, 2):
        context.generation = generation
        execution = execution_of(context, "select id, last_name from customer")
        run(recorder, execution, [b"17"])
        found.append(execution.state.extraction)
    assert found[0] is found[1]
    assert found[2] is not found[0]
    assert execution.statement.fields is ID_FIELDS


def test_what_never_ran_after_its_first_part_is_attempted() -> None:
    """In strict a write is told before the server skips it: its access gets an end."""
    context, spool = make_context(mode=CaptureMode.STRICT)
    recorder = Recorder(context, login="app", startup={})
    written, read = (
        execution_of(context, "update customer set phone = '1' where id = 17"),
        execution_of(context, "select id, last_name from customer"),
    )
    for execution in (written, read):
        assert recorder.sent(execution)
    recorder.skipped(written)
    recorder.skipped(read)
    recorder.skipped(written)
    bodies = spool.bodies(EntryKind.ACCESS)
    assert [(body["final"], body["outcome"]) for body in bodies] == [(False, "ok"), (True, "attempted")]
