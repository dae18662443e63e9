"""A stopped result: one error in its place whatever the reads, the batch behind it silent, the next one whole."""

import pytest
from transcripts import Notes, Read, split

from quivive.wire.postgres.backend import STOPPED
from quivive.wire.postgres.messages import frame
from quivive.wire.postgres.session import PgSession
from quivive.wire.postgres.state import Execution

ERROR = b"<stopped>"
READY, NOTICE = frame(b"Z", b"I"), frame(b"N", b"SNOTICE\x00\x00")
COMPLETE, CANCELLED = frame(b"C", b"SELECT 9\x00"), frame(b"E", b"SERROR\x00C57014\x00\x00")
FIELDS = frame(b"T", b"\x00\x01id\x00" + bytes(18))
SYNC = frame(b"S", b"")


def row(value: bytes) -> bytes:
    return frame(b"D", b"\x00\x01" + len(value).to_bytes(4, "big") + value)


def execute(text: bytes) -> bytes:
    return frame(b"P", b"\x00" + text + b"\x00\x00\x00") + frame(b"B", bytes(8)) + frame(b"E", b"\x00" + bytes(4))


class Limited(Notes):
    """Shows two rows of whatever mentions `many`, then no more."""

    def rows(self, execution: Execution, buffer: bytes, start: int, end: int) -> int:
        length = 1 + int.from_bytes(buffer[start + 1 : start + 5], "big")
        if execution.withheld or execution.refusal:
            return start + length
        number = self._number(execution)
        if b"many" in execution.statement.known and self.rows_of.get(number, 0) == 2:
            execution.refusal = ERROR
            return STOPPED
        self.rows_of[number] = self.rows_of.get(number, 0) + 1
        return start + length


def play(reads: list[Read], notes: Notes) -> tuple[bytes, bytes]:
    """As a relay does: ReadyForQuery waits for the cancel request."""
    session = PgSession(notes, guarded=True, refusal=b"<refused>")
    to_server, to_client = bytearray(), bytearray()
    for way, data in reads:
        if way == "C":
            to_server += session.client_bytes(data)
            continue
        to_client += session.server_bytes(data)
        while session.blocked:
            assert session.stopping
            session.stopping = False
            to_client += session.server_bytes(b"")
        session.stopping = False
    return bytes(to_server), bytes(to_client)


SHOWN = row(b"1") + row(b"2")
QUERY = frame(b"Q", b"select many\x00")
SIMPLE = [("C", QUERY), ("S", FIELDS + SHOWN + row(b"3") + NOTICE + row(b"4") + COMPLETE + READY)]
SEVERAL = [
    ("C", frame(b"Q", b"select many; select 2\x00")),
    ("S", FIELDS + SHOWN + row(b"3") + COMPLETE + FIELDS + row(b"9") + COMPLETE + READY),
]
BOUND = frame(b"1", b"") + frame(b"2", b"")
BATCH = [
    ("C", execute(b"select 1") + execute(b"select many") + execute(b"select 3") + SYNC),
    ("S", BOUND + row(b"0") + COMPLETE + BOUND + SHOWN + row(b"3") + COMPLETE + BOUND + row(b"8") + COMPLETE + READY),
]
CANCELLED_BATCH = [
    ("C", execute(b"select many") + execute(b"select 3") + SYNC),
    ("S", BOUND + SHOWN + row(b"3") + CANCELLED + READY),
]
AFTER = [("C", frame(b"Q", b"select after\x00")), ("S", FIELDS + row(b"7") + COMPLETE + READY)]
ANSWER = FIELDS + row(b"7") + COMPLETE + READY
CASES = {
    "simple": (SIMPLE, FIELDS + SHOWN + ERROR + NOTICE + READY),
    "several": (SEVERAL, FIELDS + SHOWN + ERROR + READY),
    "batch": (BATCH, BOUND + row(b"0") + COMPLETE + BOUND + SHOWN + ERROR + READY),
    "cancelled": (CANCELLED_BATCH, BOUND + SHOWN + ERROR + READY),
}


@pytest.mark.parametrize("name", CASES)
def test_one_error_at_every_split(name):
    """The client's view is the same for every split, and the next Query is answered whole."""
    reads, expected = CASES[name]
    whole = "".join(way for way, _ in reads)
    assert whole == "CS"
    for cut in range(1, len(reads[1][1])):
        notes = Limited()
        _, to_client = play(split(reads, lambda length, cut=cut: [cut] if cut < length else []) + AFTER, notes)
        assert to_client == expected + ANSWER, cut
    every = split(reads + AFTER, lambda length: list(range(1, length)))
    assert play(every, Limited())[1] == expected + ANSWER


def test_what_follows_before_sync_is_swallowed():
    """The client has not sent its Sync yet: until then nothing more reaches the server, then Sync alone does."""
    first, later = execute(b"select many") + frame(b"H", b""), execute(b"update x") + SYNC
    reads = [("C", first), ("S", BOUND + SHOWN + row(b"3")), ("C", later), ("S", COMPLETE + READY)]
    to_server, to_client = play(reads + AFTER, Limited())
    assert to_server == first + SYNC + AFTER[0][1]
    assert to_client == BOUND + SHOWN + ERROR + READY + ANSWER


def test_a_batch_behind_is_untouched():
    """Two batches in flight: the second one's answer comes whole."""
    second = execute(b"select after") + SYNC
    reads = [
        ("C", execute(b"select many") + SYNC + second),
        ("S", BOUND + SHOWN + row(b"3") + COMPLETE + READY + BOUND + row(b"7") + COMPLETE + READY),
    ]
    to_server, to_client = play(reads, Limited())
    assert to_server == reads[0][1]
    assert to_client == BOUND + SHOWN + ERROR + READY + BOUND + row(b"7") + COMPLETE + READY


def test_ready_waits_for_the_cancel_request():
    """Else it could hit the next statement."""
    session = PgSession(Limited(), guarded=True)
    session.client_bytes(QUERY)
    assert session.server_bytes(SIMPLE[1][1]) == FIELDS + SHOWN + ERROR + NOTICE
    assert session.blocked
    assert session.server_bytes(b"") == b""
    session.stopping = False
    assert session.server_bytes(b"") == READY
