"""The short way through a PgSession: one known statement executed again with one bind, answered in one read.

Used by both halves. Whatever does not fit byte for byte leaves the lane and goes the long way, with the same result:
`tests/unit/wire/postgres/test_lane.py` compares the two over splits and surprises.
"""

from typing import Any, Final

from quivive.wire.framing import PeerError, unpack_length
from quivive.wire.postgres import messages
from quivive.wire.postgres.rows import skip_rows
from quivive.wire.postgres.state import Due, Execution, Lane, SessionState, Undo

_BOUND: Final = b"2\x00\x00\x00\x04"
_READY: Final = b"Z\x00\x00\x00\x05"
_READY_IDLE: Final = _READY + b"I"
_READY_BYTES: Final = 6
_COMPLETE: Final = ord("C")
_DESCRIBE_UNNAMED: Final = messages.frame(b"D", b"P\x00")
_EXECUTE_ALL: Final = messages.frame(b"E", b"\x00\x00\x00\x00\x00")
MIN_LANE_BYTES: Final = 24
"""Bind, Execute and Sync are never shorter."""
MAX_LANE_BYTES: Final = 4_096
"""Requests longer than this take the long way: a lane compares bytes."""


class Lanes(SessionState):
    """Enter, answer, leave, learn."""

    def _enter_lane(self, data: bytes) -> bool:
        """Recognise the execution of a known statement with one bind by its constant bytes."""
        if len(data) < MIN_LANE_BYTES or data[5] or not self._from_client.whole or self._skipping or self._refusing:
            return False
        name_end = data.find(0, 6)
        statement = self._statements.get(data[6:name_end])
        if statement is None:
            return False
        lane = statement.lane
        if lane is None:
            if statement.quick is not None:
                self._lesson = (statement, data)
            return False
        start = name_end + 1 + len(lane.head)
        end = 1 + unpack_length(data, 1)[0] - lane.results
        if not data.startswith(lane.head, name_end + 1) or end < start + 4 or data[end:] != lane.tail:
            return False
        at = self._observer.quick_sent(statement) if unpack_length(data, start)[0] == end - start - 4 else 0
        if at:
            self._due.append((Due.LANE, (statement, data[start + 4 : end], at)))
        return at != 0

    def _leave_lane(self) -> None:
        """Let the request that took the short way be one like any other: nothing else was under way."""
        statement, bind, at = self._due.popleft()[1]
        lane: Lane = statement.lane
        execution = Execution(statement)
        execution.at = at
        execution.binds = [bind]
        execution.bind_formats = (statement.quick.format,)
        execution.formats = messages.formats(lane.tail, 0)
        execution.place = statement.quick_place
        self._observer.sent(execution)
        self._observer.sync_sent()
        self._due.append((Due.BIND, Undo(b"", None)))
        if lane.describes:
            self._due.append((Due.DESCRIBE_PORTAL, (statement, statement.quick_place)))
        self._due.append((Due.EXECUTE, execution))
        self._due.append((Due.SYNC, None))

    def _answer_lane(self, data: bytes) -> bool:
        """Take the whole answer of the request in the lane. False: it is another than expected, the lane is left."""
        statement, bind, at = self._due[0][1]
        lane: Lane = statement.lane
        end = len(data) - _READY_BYTES
        if data.startswith(lane.answer) and data.endswith(_READY_IDLE) and self._from_server.whole:
            start = len(lane.answer)
            position, rows = skip_rows(data, start, end)
            if (
                data[position] == _COMPLETE
                and position + 1 + unpack_length(data, position + 1)[0] == end
                and self._observer.quick_done(statement, bind, at, rows, position - start)
            ):
                self._due.popleft()
                return True
        self._leave_lane()
        return False

    def _learn_lane(self, data: bytes) -> None:
        """Learn from a request and its answer, both in one read each, what stays the same."""
        assert self._lesson is not None
        (statement, request), self._lesson = self._lesson, None
        if (
            len(request) > MAX_LANE_BYTES
            or not self._from_server.whole
            or data[-_READY_BYTES:-1] != _READY
            or not data.startswith(_BOUND)
        ):
            return
        bind_end = 1 + unpack_length(request, 1)[0]
        rest = request[bind_end:]
        describes = rest == _DESCRIBE_UNNAMED + _EXECUTE_ALL + messages.SYNC
        if not describes and rest != _EXECUTE_ALL + messages.SYNC:
            return
        try:
            _, _, _, values, formats = messages.bind_message(request, 5, bind_end)
        except PeerError:
            return
        answer_end = len(_BOUND)
        if describes:
            if data[answer_end : answer_end + 1] != b"T":
                return
            answer_end += 1 + unpack_length(data, answer_end + 1)[0]
        if len(values) != 1 or values[0] is None:
            return
        results = 2 + 2 * len(formats)
        name_end = request.find(0, 6)
        start = bind_end - results - len(values[0]) - 4
        statement.lane = Lane(
            request[name_end + 1 : start],
            request[bind_end - results :],
            results,
            describes,
            data[:answer_end],
        )

    def _due_plainly(self) -> "Any":
        """What is due, without lanes."""
        if self._due and self._due[0][0] == Due.LANE:
            self._leave_lane()
        return self._due
