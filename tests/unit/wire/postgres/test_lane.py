"""The short way through a session tells the same as the long way, over splits and surprises."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from transcripts import Notes, Read, play, split

from quivive.wire.postgres.session import PgSession
from quivive.wire.postgres.state import Execution, Statement


class Text:
    """Stands for the observer's Quick: binds are text."""

    format = 0


class Laned(Notes):
    """Teaches every statement the short way, and tells short executions like long ones."""

    def __init__(self, *, refuse_done: bool = False) -> None:
        super().__init__()
        self.short = 0
        self.refuse_done = refuse_done

    def completed(self, execution: Execution, tag: bytes) -> None:
        super().completed(execution, tag)
        execution.statement.quick = Text()

    def quick_sent(self, statement: Statement) -> int:
        return 1

    def quick_done(self, statement: Statement, bind: bytes, at: int, rows: int, rows_bytes: int) -> bool:
        if self.refuse_done:
            return False
        self.short += 1
        execution = Execution(statement)
        execution.binds = [bind]
        self.sent(execution)
        self.sync_sent()
        number = self._number(execution)
        if rows:
            self.rows_of[number] = rows
        self.completed(execution, b"SELECT %d" % rows)
        self.ready(0x49)
        return True


def frame(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


DESCRIPTION = frame(b"T", b"\0\1id\0" + struct.pack("!IhIhih", 16400, 1, 23, 4, -1, 0))
SYNC = frame(b"S", b"")
READY = frame(b"Z", b"I")
PREPARE: list[Read] = [
    ("C", frame(b"P", b"s\0select id from t where id = $1\0\0\0") + SYNC),
    ("S", frame(b"1", b"") + READY),
]
ROW = frame(b"D", b"\0\1\0\0\0\2" + b"17")


def request(value: bytes, describe: bool) -> bytes:
    bind = frame(b"B", b"\0s\0\0\0\0\1" + struct.pack("!I", len(value)) + value + b"\0\1\0\0")
    return bind + (frame(b"D", b"P\0") if describe else b"") + frame(b"E", b"\0\0\0\0\0") + SYNC


def answer(kind: str, describe: bool) -> bytes:
    head = frame(b"2", b"") + (DESCRIPTION if describe else b"")
    if kind == "error":
        return head + frame(b"E", b"C22012\0\0") + READY
    if kind == "notice":
        return head + ROW + frame(b"N", b"C00000\0\0") + frame(b"C", b"SELECT 1\0") + READY
    if kind == "bind_error":
        return frame(b"E", b"C22P02\0\0") + READY
    rows = {"none": 0, "one": 1, "three": 3}[kind]
    return head + ROW * rows + frame(b"C", b"SELECT %d\0" % rows) + READY


KINDS = ["one", "one", "one", "none", "three", "error", "notice", "bind_error"]
exchanges = st.lists(st.tuples(st.binary(max_size=12), st.sampled_from(KINDS), st.booleans()), min_size=2, max_size=8)


def reads_of(steps: list[tuple[bytes, str, bool]]) -> list[Read]:
    reads = list(PREPARE)
    for value, kind, describe in steps:
        reads += [("C", request(value, describe)), ("S", answer(kind, describe))]
    return reads


def comparable(notes: Notes) -> tuple[object, ...]:
    return tuple(notes.events), notes.rows_of


@given(exchanges, st.data())
def test_short_and_long_way_tell_the_same(steps: list[tuple[bytes, str, bool]], data: st.DataObject) -> None:
    """Executions in the lane are told like those outside it, whatever comes and however it is split."""
    reads = reads_of(steps)
    plain, laned, shy = Notes(), Laned(), Laned(refuse_done=True)
    play(reads, plain)
    play(split(reads, lambda n: data.draw(st.lists(st.integers(1, max(1, n - 1)), max_size=3))), laned)
    play(reads, shy)
    assert comparable(laned) == comparable(plain)
    assert comparable(shy) == comparable(plain)


@given(exchanges, st.data())
def test_a_guarded_lane_passes_every_byte(steps: list[tuple[bytes, str, bool]], data: st.DataObject) -> None:
    """A guarded session takes the short way too, and what it lets pass is what came."""
    reads = reads_of(steps)
    cut = split(reads, lambda n: data.draw(st.lists(st.integers(1, max(1, n - 1)), max_size=2)))
    for shape in (reads, cut):
        _, to_server, to_client = play(shape, Laned(), guarded=True)
        assert to_server == b"".join(part for way, part in reads if way == "C")
        assert to_client == b"".join(part for way, part in reads if way == "S")


def test_the_lane_is_taken() -> None:
    """The third execution alike goes the short way."""
    laned = Laned()
    play(reads_of([(b"1", "one", True)] * 5), laned)
    assert laned.short == 3


@given(st.lists(st.binary(max_size=6), min_size=2, max_size=6))
def test_pipelined_requests_leave_the_lane(values: list[bytes]) -> None:
    """A client that sends on before its answer is told in order."""
    warm = reads_of([(b"1", "one", True)] * 3)
    pipelined: list[Read] = [("C", request(value, True)) for value in values]
    pipelined += [("S", answer("one", True)) for _ in values]
    plain, laned = Notes(), Laned()
    play(warm + pipelined, plain)
    play(warm + pipelined, laned)
    assert comparable(laned) == comparable(plain)


def test_a_lost_connection_in_the_lane_is_running() -> None:
    """What is in the lane when the connection dies is an execution that was running."""
    laned = Laned()
    session: PgSession
    session, _, _ = play([*reads_of([(b"1", "one", True)] * 3), ("C", request(b"9", True))], laned)
    (one,) = session.running
    assert one.binds == [b"9"]


@given(st.binary(max_size=60))
def test_noise_that_looks_like_a_lane(noise: bytes) -> None:
    """A request that begins like the lane and goes on as noise is told as noise by both ways."""
    from quivive.wire.framing import PeerError

    found = []
    for notes in (Notes(), Laned()):
        session, _, _ = play(reads_of([(b"1", "one", True)] * 3), notes)
        try:
            session.client_bytes(request(b"1", True)[:14] + noise)
        except PeerError as error:
            found.append(str(error))
        else:
            found.append("")
    assert found[0] == found[1]
