"""Follows one PostgreSQL connection through both its directions and tells an observer what was executed and shown.

Called by the relay with the bytes it forwards. Sans I/O: no socket, clock or logger; the only thing that bytes
can raise is PeerError. Must never decode a row (the observer cuts key columns in place) nor a password.

Answers are matched to requests in order. What a refused or skipped message changed is undone, as the server
skips everything up to the next Sync after an error (PostgreSQL manual 55.2.3).
"""

from collections import deque
from typing import Any, Final, Protocol

from quivive.wire.fields import Field
from quivive.wire.framing import HEADER_BYTES, MAX_FRAME_KEPT, MAX_FRAME_LENGTH, FrameBuffer, PeerError, unpack_length
from quivive.wire.postgres import messages
from quivive.wire.postgres.state import (
    MAX_DUE,
    MAX_PORTALS,
    MAX_STATEMENTS,
    Due,
    Execution,
    Portal,
    Simple,
    Statement,
    Undo,
)

_DATA_ROW: Final = ord("D")
_COPY_DATA: Final = ord("d")
_SKIPPED_BY_ERROR: Final = frozenset(
    {
        Due.PARSE,
        Due.BIND,
        Due.DESCRIBE_STATEMENT,
        Due.DESCRIBE_PORTAL,
        Due.EXECUTE,
        Due.CLOSE_STATEMENT,
        Due.CLOSE_PORTAL,
        Due.COPY_END,
    }
)


class Observer(Protocol):
    """What a session tells, in wire order. Calls must be quick and must not raise."""

    def known(self, text: bytes, *, whole: bool) -> Any:
        """Analyse a statement text (Parse); `whole` False when it was cut."""

    def query(self, text: bytes, *, whole: bool) -> tuple[Statement, int]:
        """Analyse the text of a simple Query: its Statement and how many statements it holds (at least 1)."""

    def sent(self, execution: Execution) -> bool:
        """An execution goes to the server. False refuses it (only asked to decide in guarded sessions)."""

    def sync_sent(self) -> None:
        """A batch ends."""

    def described(self, execution: Execution, fields: tuple[Field, ...]) -> None:
        """The columns of this execution were announced in its own answer."""

    def rows(self, execution: Execution, buffer: bytes, start: int, end: int) -> int:
        """Take whole DataRow frames from `start`; return the offset after the last taken, `start` to be asked later."""

    def cut_row(self, execution: Execution, head: bytes) -> None:
        """A DataRow too long to keep: its head."""

    def copy_out(self, execution: Execution, binary: bool) -> bool:
        """CopyOutResponse. False: not ready, ask again later."""

    def copy_data(self, execution: Execution, buffer: bytes, start: int, end: int, *, outbound: bool) -> None:
        """The body of one CopyData message, either way."""

    def suspended(self, execution: Execution) -> None:
        """The row limit of an Execute was reached."""

    def closed(self, execution: Execution) -> None:
        """A suspended portal was closed: its execution is over."""

    def completed(self, execution: Execution, tag: bytes) -> None:
        """CommandComplete, or EmptyQueryResponse with an empty tag."""

    def failed(self, execution: Execution | None, state: str) -> None:
        """ErrorResponse; None when no execution was running."""

    def ready(self, status: int) -> None:
        """ReadyForQuery with its transaction status byte."""


class PgSession:
    """One connection after authentication.

    `server_bytes` and `client_bytes` return the bytes that may be forwarded in a guarded session: whole frames only,
    without refused messages, with the refusals inserted. An unguarded caller forwards first and ignores the result.
    """

    def __init__(self, observer: Observer, *, guarded: bool = False, refusal: bytes = b"") -> None:
        self._observer = observer
        self._guarded = guarded
        self._refusal = refusal
        limit = MAX_FRAME_LENGTH if guarded else MAX_FRAME_KEPT
        self._from_client = FrameBuffer(limit)
        self._from_server = FrameBuffer(limit)
        self._statements: dict[bytes, Statement] = {}
        self._portals: dict[bytes, Portal] = {}
        self._due: deque[tuple[int, Any]] = deque()
        self._skipping = False  # an error came before the client's Sync: what it still sends is ignored
        self._refusing = False  # an Execute was refused: swallow up to Sync
        self._copying: Execution | None = None
        self._suspended: list[Execution] = []
        self.blocked = False
        """The observer is not ready for the next answer: call `server_bytes(b"")` when it is."""

    # --- client to server -----------------------------------------------------------------------------------------

    def client_bytes(self, data: bytes) -> bytes:
        """Take bytes on their way to the server.

        Raises:
            PeerError: they are no protocol 3 messages.
        """
        buffer = self._from_client.feed(data)
        position, end = 0, len(buffer)
        kept: list[bytes] | None = [] if self._guarded else None
        handlers = _CLIENT
        while end - position >= HEADER_BYTES:
            length = unpack_length(buffer, position + 1)[0]
            following = position + 1 + length
            if following > end or length < 4:  # noqa: PLR2004
                break
            handler = handlers.get(buffer[position])
            if handler is None:
                raise PeerError("a client message of unknown type")
            replacement = handler(self, buffer, position + HEADER_BYTES, following)
            if kept is not None:
                kept.append(buffer[position:following] if replacement is None else replacement)
            position = following
        self._from_client.keep(buffer, position)
        if self._from_client.cut:
            self._client_cut()
        if len(self._due) > MAX_DUE:
            raise PeerError("a pipeline deeper than what is followed")
        return b"".join(kept) if kept is not None else b""

    def _parse(self, buffer: bytes, start: int, end: int) -> bytes | None:
        if self._refusing:
            return b""
        name, text, types = messages.parse_message(buffer, start, end)
        self._prepare(name, Statement(self._observer.known(text, whole=True), types))
        return None

    def _prepare(self, name: bytes, statement: Statement) -> None:
        if self._skipping:
            return
        undo = Undo(name, self._statements.pop(name, None), statement)
        self._statements[name] = statement
        if len(self._statements) > MAX_STATEMENTS:
            del self._statements[next(iter(self._statements))]
        self._due.append((Due.PARSE, undo))

    def _bind(self, buffer: bytes, start: int, end: int) -> bytes | None:
        if self._refusing:
            return b""
        name, statement, bind_formats, binds, formats = messages.bind_message(buffer, start, end)
        self._open(name, statement, Portal(self._statement(statement), bind_formats, binds, formats))
        return None

    def _statement(self, name: bytes) -> Statement:
        statement = self._statements.get(name)
        if statement is None:
            # Forgotten (bounded cache) or prepared by SQL: the observer sees an empty text and says opaque.
            statement = self._statements[name] = Statement(self._observer.known(b"", whole=False))
        return statement

    def _open(self, name: bytes, _statement: bytes, portal: Portal) -> None:
        if self._skipping:
            return
        undo = Undo(name, self._portals.pop(name, None), portal)
        self._portals[name] = portal
        if len(self._portals) > MAX_PORTALS:
            del self._portals[next(iter(self._portals))]
        self._due.append((Due.BIND, undo))

    def _describe(self, buffer: bytes, start: int, end: int) -> bytes | None:
        if self._refusing:
            return b""
        if self._skipping:
            return None
        name = buffer[start + 1 : end - 1]
        if buffer[start] == 0x53:  # 'S'
            statement = self._statement(name)
            self._due.append((Due.DESCRIBE_STATEMENT, statement))
        else:
            portal = self._portals.get(name)
            statement = portal.statement if portal else Statement(None)
            self._due.append((Due.DESCRIBE_PORTAL, statement))
        statement.described = True
        return None

    def _execute(self, buffer: bytes, start: int, end: int) -> bytes | None:
        if self._refusing:
            return b""
        if self._skipping:
            return None
        portal = self._portals.get(buffer[start : messages.cstring_end(buffer, start, end)])
        if portal is None:
            portal = Portal(Statement(self._observer.known(b"", whole=False)), (), [], None)
        execution = portal.execution
        if execution is None:
            statement = portal.statement
            execution = portal.execution = Execution(statement)
            execution.bind_formats, execution.binds = portal.bind_formats, portal.binds
            execution.formats = portal.formats
            portal.binds = []
            if not self._observer.sent(execution):
                self._refusing = True
                portal.execution = None
                return b""
            execution.binds = []
        else:
            self._observer.sent(execution)
        self._due.append((Due.EXECUTE, execution))
        return None

    def _close(self, buffer: bytes, start: int, end: int) -> bytes | None:
        if self._refusing:
            return b""
        if self._skipping:
            return None
        name = buffer[start + 1 : end - 1]
        if buffer[start] == 0x53:  # 'S'
            self._due.append((Due.CLOSE_STATEMENT, Undo(name, self._statements.pop(name, None))))
        else:
            self._due.append((Due.CLOSE_PORTAL, Undo(name, self._portals.pop(name, None))))
        return None

    def _sync(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        self._skipping = False
        self._due.append((Due.DENIED_SYNC if self._refusing else Due.SYNC, None))
        self._refusing = False
        self._observer.sync_sent()
        return None

    def _query(self, buffer: bytes, start: int, end: int) -> bytes | None:
        return self._simple(buffer[start : end - 1], whole=True)

    def _simple(self, text: bytes, *, whole: bool) -> bytes | None:
        if self._refusing:
            return b""
        if self._skipping:
            return None  # the server discards everything but Sync, a simple Query too (tcop/postgres.c)
        statement, count = self._observer.query(text, whole=whole)
        executions = [Execution(statement, index=index, fresh_text=True) for index in range(count)]
        for execution in executions:
            if not self._observer.sent(execution):
                # A Sync in its place keeps the answers in order; the refusal goes before its ReadyForQuery.
                self._due.append((Due.DENIED_SYNC, None))
                self._observer.sync_sent()
                return messages.SYNC
        self._observer.sync_sent()
        self._due.append((Due.SIMPLE, Simple(executions)))
        return None

    def _function(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        statement, _ = self._observer.query(b"", whole=False)
        execution = Execution(statement, fresh_text=True)
        if self._skipping:
            return None
        if not self._observer.sent(execution):
            self._due.append((Due.DENIED_SYNC, None))
            self._observer.sync_sent()
            return messages.SYNC
        self._observer.sync_sent()
        self._due.append((Due.FUNCTION, Simple([execution])))
        return None

    def _copy_data(self, buffer: bytes, start: int, end: int) -> bytes | None:
        if self._copying is not None:
            self._observer.copy_data(self._copying, buffer, start, end, outbound=False)
        return None

    def _copy_end(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        self._due.append((Due.COPY_END, None))
        return None

    def _ignore(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        return b"" if self._refusing else None

    def _terminate(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        return None

    def _client_cut(self) -> None:
        """A message above MAX_FRAME_KEPT in an unguarded session: judge it by its head."""
        head, self._from_client.cut = self._from_client.cut, b""
        kind = head[0]
        if kind == ord("Q"):
            self._simple(head[HEADER_BYTES:], whole=False)
        elif kind == ord("P"):
            name_end = messages.cstring_end(head, HEADER_BYTES, len(head))
            known = self._observer.known(head[name_end + 1 :], whole=False)
            self._prepare(head[HEADER_BYTES:name_end], Statement(known))
        elif kind == ord("B"):
            portal_end = messages.cstring_end(head, HEADER_BYTES, len(head))
            name_end = messages.cstring_end(head, portal_end + 1, len(head))
            name = head[portal_end + 1 : name_end]
            self._open(head[HEADER_BYTES:portal_end], name, Portal(self._statement(name), (), [], None))
        elif kind == _COPY_DATA:
            self._copy_data(head, HEADER_BYTES, len(head))
        elif kind == ord("F"):
            self._function(head, HEADER_BYTES, len(head))
        else:
            raise PeerError("a client message longer than its type allows")

    # --- server to client -----------------------------------------------------------------------------------------

    def server_bytes(self, data: bytes) -> bytes:
        """Take bytes on their way to the client.

        Raises:
            PeerError: they answer no request, or are no protocol 3 messages.
        """
        buffer = self._from_server.feed(data)
        position, end, sent_to = 0, len(buffer), 0
        kept: list[bytes] = []
        handlers, self.blocked = _SERVER, False
        while end - position >= HEADER_BYTES:
            kind = buffer[position]
            length = unpack_length(buffer, position + 1)[0]
            following = position + 1 + length
            if following > end or length < 4:  # noqa: PLR2004
                break
            if kind == _DATA_ROW:
                following = self._observer.rows(self._running(), buffer, position, end)
            else:
                handler = handlers.get(kind)
                if handler is None:
                    raise PeerError("a server message of unknown type")
                inserted = handler(self, buffer, position + HEADER_BYTES, following)
                if inserted is not None:
                    if inserted is _LATER:
                        following = position
                    else:
                        kept += (buffer[sent_to:position], inserted)
                        sent_to = position
            if following == position:
                self.blocked = True
                break
            position = following
        self._from_server.keep(buffer, position)
        if self._from_server.cut:
            self._server_cut()
        if not self._guarded:
            return b""
        return b"".join((*kept, buffer[sent_to:position])) if kept else buffer[:position]

    def _server_cut(self) -> None:
        head, self._from_server.cut = self._from_server.cut, b""
        if head[0] == _DATA_ROW:
            self._observer.cut_row(self._running(), head)
        elif head[0] == _COPY_DATA:
            self._observer.copy_data(self._running(), head, HEADER_BYTES, len(head), outbound=True)
        elif head[0] not in b"NAE":
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
        if kind == Due.DESCRIBE_STATEMENT or kind == Due.DESCRIBE_PORTAL:
            if payload.fields != fields:
                payload.fields = fields
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
        payload.fields = ()
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
        if kind == Due.SIMPLE or kind == Due.FUNCTION:
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
        while due and due[0][0] in _SKIPPED_BY_ERROR:
            skipped.append(due.popleft())
        if not due:
            self._skipping = True
        for kind, payload in reversed(skipped):
            if kind in (Due.PARSE, Due.CLOSE_STATEMENT):
                self._undo(self._statements, payload)
            elif kind in (Due.BIND, Due.CLOSE_PORTAL):
                self._undo(self._portals, payload)

    @staticmethod
    def _undo(names: dict[bytes, Any], undo: Undo) -> None:
        if names.get(undo.name) is not undo.after:
            return
        if undo.before is not None:
            names[undo.name] = undo.before
        else:
            names.pop(undo.name, None)

    def _ready(self, buffer: bytes, start: int, _end: int) -> bytes | None:
        kind, payload = self._head()
        inserted = None
        if kind == Due.DENIED_SYNC:
            inserted = self._refusal
        elif kind not in (Due.SYNC, Due.SIMPLE, Due.FUNCTION):
            raise PeerError("ready without the end of a batch")
        self._due.popleft()
        status = buffer[start]
        if status == 0x49:  # 'I': every portal is gone with its transaction
            for execution in self._suspended:
                self._observer.closed(execution)
            self._suspended.clear()
            if not self._due:
                self._portals.clear()
        self._observer.ready(status)
        return inserted

    def _copy_out(self, buffer: bytes, start: int, _end: int) -> bytes | None:
        return None if self._observer.copy_out(self._running(), buffer[start] == 1) else _LATER

    def _copy_in(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        self._copying = self._running()
        self._copying.copy_in = True
        return None

    def _copy_both(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        raise PeerError("replication is passed through unread")

    def _copied(self, buffer: bytes, start: int, end: int) -> bytes | None:
        self._observer.copy_data(self._running(), buffer, start, end, outbound=True)
        return None

    def _pass(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        return None

    @property
    def running(self) -> list[Execution]:
        """Executions sent and not answered to their end, oldest first: aborted when the connection dies."""
        found: list[Execution] = list(self._suspended)
        for kind, payload in self._due:
            if kind == Due.EXECUTE and payload not in found:
                found.append(payload)
            elif kind in (Due.SIMPLE, Due.FUNCTION):
                found.extend(payload.executions[payload.at :])
        return found


_LATER: Final = b"\x00later"

_CLIENT: Final = {
    ord("P"): PgSession._parse,
    ord("B"): PgSession._bind,
    ord("D"): PgSession._describe,
    ord("E"): PgSession._execute,
    ord("C"): PgSession._close,
    ord("S"): PgSession._sync,
    ord("H"): PgSession._ignore,
    ord("Q"): PgSession._query,
    ord("F"): PgSession._function,
    ord("d"): PgSession._copy_data,
    ord("c"): PgSession._copy_end,
    ord("f"): PgSession._copy_end,
    ord("X"): PgSession._terminate,
}

_SERVER: Final = {
    ord("1"): PgSession._parsed,
    ord("2"): PgSession._bound,
    ord("3"): PgSession._closed,
    ord("t"): PgSession._pass,
    ord("T"): PgSession._row_description,
    ord("n"): PgSession._no_data,
    ord("C"): PgSession._complete,
    ord("I"): PgSession._complete,
    ord("s"): PgSession._portal_suspended,
    ord("E"): PgSession._error,
    ord("Z"): PgSession._ready,
    ord("G"): PgSession._copy_in,
    ord("H"): PgSession._copy_out,
    ord("W"): PgSession._copy_both,
    ord("d"): PgSession._copied,
    ord("c"): PgSession._pass,
    ord("V"): PgSession._function_result,
    ord("N"): PgSession._pass,
    ord("A"): PgSession._pass,
    ord("S"): PgSession._pass,
}
