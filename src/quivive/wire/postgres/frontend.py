"""The client's half of a PgSession: requests become statements, portals and answers that are due.

Used by `session` alone; see its contract.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from quivive.wire.framing import HEADER_BYTES, PeerError, unpack_length
from quivive.wire.postgres import messages
from quivive.wire.postgres.lane import Lanes
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

if TYPE_CHECKING:
    from quivive.wire.postgres.observer import Observer

_COPY_DATA: Final = ord("d")
_STATEMENT: Final = ord("S")
Handler = Callable[[bytes, int, int], bytes | None]
"""(buffer, start, end) of a body → what goes to the server instead of the message, None for the message itself."""


class ClientHalf(Lanes):
    """Requests. A handler is found by the type byte."""

    def __init__(self, observer: "Observer", *, guarded: bool, refusal: bytes) -> None:
        super().__init__(observer, guarded=guarded, refusal=refusal)
        self._client_handlers: dict[int, Handler] = {
            ord("P"): self._parse,
            ord("B"): self._bind,
            ord("D"): self._describe,
            ord("E"): self._execute,
            ord("C"): self._close,
            ord("S"): self._sync,
            ord("H"): self._flush,
            ord("Q"): self._query,
            ord("F"): self._function,
            ord("d"): self._copy_data,
            ord("c"): self._copy_end,
            ord("f"): self._copy_end,
            ord("X"): self._terminate,
        }

    def client_bytes(self, data: bytes) -> bytes:
        """Take bytes on their way to the server.

        Raises:
            PeerError: they are no protocol 3 messages.
        """
        due = self._due
        if not due:
            if data[:1] == b"B" and self._enter_lane(data):
                return data
        elif due[0][0] == Due.LANE:
            self._leave_lane()  # the client sends on before its answer
        buffer = self._from_client.feed(data)
        position, end = 0, len(buffer)
        kept: list[bytes] | None = [] if self._guarded else None
        handlers = self._client_handlers
        while end - position >= HEADER_BYTES:
            length = unpack_length(buffer, position + 1)[0]
            following = position + 1 + length
            if following > end or length < 4:
                break
            handler = handlers.get(buffer[position])
            if handler is None:
                raise PeerError("a client message of unknown type")
            replacement = handler(buffer, position + HEADER_BYTES, following)
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
        self._remember(name, statement)
        self._due.append((Due.PARSE, undo))

    def _bind(self, buffer: bytes, start: int, end: int) -> bytes | None:
        if self._refusing:
            return b""
        name, statement, bind_formats, binds, formats = messages.bind_message(buffer, start, end)
        place = self._observer.place()
        self._open(name, statement, Portal(self._statement(statement), bind_formats, binds, formats, place))
        return None

    def _statement(self, name: bytes) -> Statement:
        statement = self._statements.get(name)
        if statement is None:
            # Forgotten (bounded cache) or prepared by SQL: the observer sees an empty text and says opaque.
            statement = Statement(self._observer.known(b"", whole=False))
            self._remember(name, statement)
        return statement

    def _remember(self, name: bytes, statement: Statement) -> None:
        self._statements[name] = statement
        if len(self._statements) > MAX_STATEMENTS:
            del self._statements[next(iter(self._statements))]

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
        name = _name(buffer, start, end)
        if buffer[start] == _STATEMENT:
            statement = self._statement(name)
            self._due.append((Due.DESCRIBE_STATEMENT, (statement, self._observer.place())))
        else:
            portal = self._portals.get(name)
            statement = portal.statement if portal else Statement(None)
            self._due.append((Due.DESCRIBE_PORTAL, (statement, portal.place if portal else None)))
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
            execution = portal.execution = Execution(statement, fresh_text=statement.fresh)
            statement.fresh = False
            execution.bind_formats, execution.binds = portal.bind_formats, portal.binds
            execution.formats, execution.place = portal.formats, portal.place
            portal.binds = []
            if not self._observer.sent(execution):
                portal.execution = None
                return self._refuse_batch(execution)
            execution.binds = []
        elif not self._observer.sent(execution):
            return self._refuse_batch(execution)
        self._due.append((Due.EXECUTE, execution))
        return None

    def _refuse_batch(self, execution: Execution) -> bytes:
        self._refusing, self._refused_with = True, execution.refusal or self._refusal
        return b""

    def _close(self, buffer: bytes, start: int, end: int) -> bytes | None:
        if self._refusing:
            return b""
        if self._skipping:
            return None
        name = _name(buffer, start, end)
        if buffer[start] == _STATEMENT:
            self._due.append((Due.CLOSE_STATEMENT, Undo(name, self._statements.pop(name, None))))
        else:
            self._due.append((Due.CLOSE_PORTAL, Undo(name, self._portals.pop(name, None))))
        return None

    def _sync(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
        self._skipping = False
        told = self._refusing and bool(self._refused_with)  # else the error of a stopped result has told it
        self._due.append((Due.DENIED_SYNC, self._refused_with) if told else (Due.SYNC, None))
        self._refusing, self._refused_with = False, b""
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
                self._due.append((Due.DENIED_SYNC, execution.refusal or self._refusal))
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
            self._due.append((Due.DENIED_SYNC, execution.refusal or self._refusal))
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

    def _flush(self, _buffer: bytes, _start: int, _end: int) -> bytes | None:
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
            cut = Portal(self._statement(name), (), [], None, self._observer.place())
            self._open(head[HEADER_BYTES:portal_end], name, cut)
        elif kind == _COPY_DATA:
            self._copy_data(head, HEADER_BYTES, len(head))
        elif kind == ord("F"):
            self._function(head, HEADER_BYTES, len(head))
        else:
            raise PeerError("a client message longer than its type allows")


def _name(buffer: bytes, start: int, end: int) -> bytes:
    """Name in a Describe or Close, behind its one letter."""
    if end - start < 2:
        raise PeerError("a message shorter than its type")
    return buffer[start + 1 : end - 1]
