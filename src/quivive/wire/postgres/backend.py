"""The server's half of a PgSession: answers are matched to what is due, in order.

Used by `session` alone; see its contract.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from quivive.wire.framing import HEADER_BYTES, PeerError, unpack_length
from quivive.wire.postgres import messages
from quivive.wire.postgres.lane import Lanes
from quivive.wire.postgres.state import Due, Execution, Portal, Simple, Undo

if TYPE_CHECKING:
    from quivive.wire.postgres.observer import Observer

_DATA_ROW: Final = ord("D")
_COPY_DATA: Final = ord("d")
_SYNCS: Final = frozenset({Due.SYNC, Due.DENIED_SYNC})
_LATER: Final = b"\x00later"
_STOP: Final = b"\x00stop"
STOPPED: Final = -1
"""What `Observer.rows` returns when the next row must not be shown."""
_ASYNCHRONOUS: Final = frozenset(b"NAS")
Handler = Callable[[bytes, int, int], bytes | None]
"""(buffer, start, end) of a body → what is inserted before the message.

`_LATER` when the observer is not ready, `_STOP` when it forbids the message and the rest of the result.
"""


class ServerHalf(Lanes):
    """Answers. A handler is found by the type byte; DataRow goes straight to the observer."""

    def __init__(self, observer: "Observer", *, guarded: bool, refusal: bytes) -> None:
        super().__init__(observer, guarded=guarded, refusal=refusal)
        self._server_handlers: dict[int, Handler] = {
            ord("1"): self._parsed,
            ord("2"): self._bound,
            ord("3"): self._closed,
            ord("t"): self._pass,
            ord("T"): self._row_description,
            ord("n"): self._no_data,
            ord("C"): self._complete,
            ord("I"): self._complete,
            ord("s"): self._portal_suspended,
            ord("E"): self._error,
            ord("Z"): self._ready,
            ord("G"): self._copy_in,
            ord("H"): self._copy_out,
            ord("W"): self._copy_both,
            ord("d"): self._copied,
            ord("c"): self._pass,
            ord("V"): self._function_result,
            ord("N"): self._pass,
            ord("A"): self._pass,
            ord("S"): self._status,
        }

    def server_bytes(self, data: bytes) -> bytes:  # noqa: C901  # the loop over frames: no call for what is not there
        """Take bytes on their way to the client.

        Raises:
            PeerError: they answer no request, or are no protocol 3 messages.
        """
        self.blocked = False
        due = self._due
        if due and due[0][0] == Due.LANE and self._answer_lane(data):
            return data
        if self._lesson is not None:
            self._learn_lane(data)
        buffer = self._from_server.feed(data)
        kept: list[bytes] = []
        position, sent_to = 0, 0
        end, handlers = len(buffer), self._server_handlers
        while end - position >= HEADER_BYTES:
            length = unpack_length(buffer, position + 1)[0]
            following = position + 1 + length
            if length < 4 or following > end:
                break
            inserted = None
            if buffer[position] == _DATA_ROW:
                following = self._observer.rows(self._running(), buffer, position, end)
            else:
                handler = handlers.get(buffer[position], self._unknown)
                inserted = handler(buffer, position + HEADER_BYTES, following)
            if following == position or inserted is _LATER:
                self.blocked = True
                break
            if following == STOPPED or inserted is _STOP:
                kept += (buffer[sent_to:position], self._stop())
                sent_to = position
                continue
            if self._muted and buffer[position] not in _ASYNCHRONOUS:
                kept.append(buffer[sent_to:position])
                sent_to = following
            elif inserted is not None:
                kept += (buffer[sent_to:position], inserted)
                sent_to = position
            position = following
        self._from_server.keep(buffer, position)
        if self._from_server.cut:
            self._server_cut()
        if not self._guarded:
            return b""
        return b"".join((*kept, buffer[sent_to:position])) if kept else buffer[:position]

    def _stop(self) -> bytes:
        """The result under way must not go on: one error in its place, and silence until ReadyForQuery.

        What the client sent behind it up to its Sync may be under way at the server: it is followed to its end, and
        not shown. What comes before that Sync from now on is swallowed.
        """
        kind, payload = self._head()
        execution = self._running()
        self._muted = self.stopping = True
        if kind == Due.EXECUTE:
            self._refusing = True
            for at, (later, found) in enumerate(self._due):
                if later in (Due.SYNC, Due.DENIED_SYNC):
                    self._due[at] = (Due.SYNC, None)
                    self._refusing = False
                    break
                if later == Due.EXECUTE and found is not execution:
                    found.withheld = True
            self._refused_with = b""
        else:
            for other in payload.executions[payload.at + 1 :]:
                other.withheld = True
        return execution.refusal or self._refusal

    def _unknown(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        raise PeerError("a server message of unknown type")

    def _server_cut(self) -> None:
        head, self._from_server.cut = self._from_server.cut, b""
        if head[0] == _DATA_ROW:
            self._observer.cut_row(self._running(), head)
        elif head[0] == _COPY_DATA:
            self._observer.copy_data(self._running(), head, HEADER_BYTES, len(head), outbound=True)
        elif head[0] == ord("E"):
            self._error(head, HEADER_BYTES, len(head))
        elif head[0] == ord("V"):
            self._function_result(head, HEADER_BYTES, len(head))
        elif head[0] not in b"NA":
            raise PeerError("a server message longer than its type allows")

    def _head(self) -> tuple[int, Any]:
        due = self._due
        while due and due[0][0] == Due.COPY_END:
            due.popleft()  # the copy it ended had failed before
        if not due:
            raise PeerError("an answer without a request")
        return due[0]

    def _running(self) -> Execution:
        kind, payload = self._head()
        if kind == Due.EXECUTE:
            execution: Execution = payload
            return execution
        if kind in (Due.SIMPLE, Due.FUNCTION):
            simple: Simple = payload
            return simple.current()
        raise PeerError("rows without an execution")

    def _answered(self, kind: Due) -> Any:
        found, payload = self._head()
        if found != kind:
            raise PeerError("an answer that belongs to another request")
        self._due.popleft()
        return payload

    def _parsed(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        self._answered(Due.PARSE)
        return None

    def _bound(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        undo: Undo = self._answered(Due.BIND)
        if undo.before is not None:
            self._close_portal(undo.before)
        return None

    def _close_portal(self, portal: Portal) -> None:
        execution = portal.execution
        if execution is not None and execution in self._suspended:
            self._suspended.remove(execution)
            self._observer.closed(execution)

    def _closed(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        kind, undo = self._head()
        if kind not in (Due.CLOSE_PORTAL, Due.CLOSE_STATEMENT):
            raise PeerError("an answer that belongs to another request")
        self._due.popleft()
        if kind == Due.CLOSE_PORTAL and undo.before is not None:
            self._close_portal(undo.before)
        return None

    def _row_description(self, buffer: bytes, start: int, end: int) -> bytes | None:
        fields, formats = messages.row_description(buffer, start, end)
        kind, payload = self._head()
        if kind in (Due.DESCRIBE_STATEMENT, Due.DESCRIBE_PORTAL):
            statement, place = payload
            statement.place = place
            if statement.fields != fields:
                statement.fields = fields
            self._due.popleft()
        elif kind == Due.SIMPLE:
            execution = payload.current()
            execution.fields, execution.formats = fields, formats
            self._observer.described(execution, fields)
        else:
            raise PeerError("a description without a request")
        return None

    def _no_data(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        kind, payload = self._head()
        if kind not in (Due.DESCRIBE_STATEMENT, Due.DESCRIBE_PORTAL):
            raise PeerError("a description without a request")
        statement, place = payload
        statement.place = place
        statement.fields = ()
        self._due.popleft()
        return None

    def _complete(self, buffer: bytes, start: int, end: int) -> bytes | None:
        kind, payload = self._head()
        if kind == Due.EXECUTE:
            execution = payload
            self._due.popleft()
            if execution in self._suspended:
                self._suspended.remove(execution)
        elif kind == Due.SIMPLE:
            execution = payload.current()
            payload.at += 1
        else:
            raise PeerError("a completion without an execution")
        if execution.copy_in:
            self._end_copy_in()
        self._copying = None
        self._observer.completed(execution, buffer[start : max(start, end - 1)])
        return None

    def _end_copy_in(self) -> None:
        """Drop what the server ignored while copying: Sync before CopyDone (PostgreSQL manual 55.2.6)."""
        due = self._due
        if not any(kind == Due.COPY_END for kind, _ in due):
            return
        kept = [due.popleft()] if due[0][0] == Due.SIMPLE else []
        while due and due.popleft()[0] != Due.COPY_END:
            pass
        due.extendleft(kept)

    def _portal_suspended(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        execution: Execution = self._answered(Due.EXECUTE)
        if execution not in self._suspended:
            self._suspended.append(execution)
        self._observer.suspended(execution)
        return None

    def _function_result(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        kind, payload = self._head()
        if kind != Due.FUNCTION:
            raise PeerError("a function result without a call")
        self._observer.completed(payload.current(), b"SELECT 1")
        return None

    def _error(self, buffer: bytes, start: int, end: int) -> bytes | None:
        state = messages.error_state(buffer, start, end)
        self._copying = None
        if not self._due:
            self._observer.failed(None, state)  # the server says goodbye (administrator, timeout)
            return None
        kind, payload = self._head()
        if kind in (Due.SIMPLE, Due.FUNCTION):
            self._observer.failed(payload.current(), state)
            return None
        if kind == Due.EXECUTE and payload in self._suspended:
            self._suspended.remove(payload)
        self._observer.failed(payload if kind == Due.EXECUTE else None, state)
        self._skip()
        return None

    def _skip(self) -> None:
        """Undo what the server refused and skips, newest first."""
        due, skipped = self._due, []
        while due and due[0][0] not in _SYNCS:
            skipped.append(due.popleft())
        if not due:
            self._skipping = True
        for kind, payload in reversed(skipped):
            if kind in (Due.PARSE, Due.CLOSE_STATEMENT):
                self._undo(self._statements, payload)
            elif kind in (Due.BIND, Due.CLOSE_PORTAL):
                self._undo(self._portals, payload)
            elif kind == Due.EXECUTE:
                self._observer.skipped(payload)
            elif kind in (Due.SIMPLE, Due.FUNCTION):
                # Up to Sync the server discards a Query too (tcop/postgres.c), and no ReadyForQuery answers it.
                self._observer.sync_skipped()
                self._never_ran(payload)

    def _never_ran(self, simple: Simple) -> None:
        for execution in simple.executions[simple.at :]:
            self._observer.skipped(execution)

    @staticmethod
    def _undo(names: dict[bytes, Any], undo: Undo) -> None:
        if names.get(undo.name) is not undo.after:
            return
        if undo.before is not None:
            names[undo.name] = undo.before
        else:
            names.pop(undo.name, None)

    def _ready(self, buffer: bytes, start: int, end: int) -> bytes | None:
        if start >= end:
            raise PeerError("a message shorter than its type")
        kind, payload = self._head()
        inserted = None
        if self.stopping:
            return _LATER
        self._muted = False
        if kind == Due.DENIED_SYNC:
            inserted = payload
        elif kind not in (Due.SYNC, Due.SIMPLE, Due.FUNCTION):
            raise PeerError("ready without the end of a batch")
        self._due.popleft()
        if kind == Due.SIMPLE:
            self._never_ran(payload)  # statements behind one that failed
        status = buffer[start]
        if status == 0x49:  # 'I': every portal is gone with its transaction
            for execution in self._suspended:
                self._observer.closed(execution)
            self._suspended.clear()
            if not self._due:
                self._portals.clear()
        self._observer.ready(status)
        return inserted

    def _copy_out(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        return None if self._observer.copy_out(self._running()) else _LATER

    def _copy_in(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        self._copying = self._running()
        self._copying.copy_in = True
        return None

    def _copy_both(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        raise PeerError("replication is passed through unread")

    def _copied(self, buffer: bytes, start: int, end: int) -> bytes | None:
        passed = self._observer.copy_data(self._running(), buffer, start, end, outbound=True)
        return _STOP if passed is False else None

    def _status(self, buffer: bytes, start: int, end: int) -> bytes | None:
        name_end = messages.cstring_end(buffer, start, end)
        self._observer.reported(buffer[start:name_end], buffer[name_end + 1 : end - 1])
        return None

    def _pass(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        return None
