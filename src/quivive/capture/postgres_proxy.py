"""One relayed PostgreSQL connection: two asyncio protocols that forward whole reads and show them to a PgSession.

Called by `relay`; `arrival` tells how the connection comes about. Forward first, inspect in place (DESIGN §6). Must
never await in the path of bytes outside strict, never let the slower side grow memory: each side's reading pauses with
the other's writing.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from quivive.capture.arrival import CLEAR, Arrival, Front, Phase
from quivive.capture.cancelling import cancel
from quivive.capture.context import RelayContext
from quivive.capture.holding import Door
from quivive.capture.leg import Leg
from quivive.capture.recorder import Recorder
from quivive.capture.target import Target
from quivive.model.access import GapCause
from quivive.wire.framing import PeerError
from quivive.wire.postgres import messages
from quivive.wire.postgres.session import PgSession

log = structlog.get_logger()

REFUSAL_S: Final = 0.25
"""How long the system of a client that was killed may take to refuse what is sent to it."""
QUIET_S: Final = 0.25
"""A session is quiet when its client has sent nothing for so long: one just opened is about to ask."""
SILENT_S: Final = 1.0
_Told = TypeVar("_Told", bytes, int)


class Relayed(Arrival):
    """One client connection and its server connection."""

    def __init__(
        self, context: RelayContext, target: Target, ended: Callable[["Relayed"], None], front: Front = CLEAR
    ) -> None:
        super().__init__(context, target, front)
        self._ended = ended
        self._blocked = False
        self._opaque_from = 0
        self._stopping: asyncio.Future[None] | None = None
        self._quiet_from = 0.0
        self._watched = False
        self._recorder: Recorder | None = None
        self._session: PgSession | None = None
        self._to_client: Door | None = None
        self._to_server: Door | None = None

    @property
    def idle(self) -> bool:
        """Nothing is running: the relay may close it when it stops."""
        if self._said_all:
            return True  # a client that was killed, or one that ends of itself: not worth waiting for
        if self._blocked:
            return False
        return self._phase != Phase.SESSION or self._session is None or not self._session.running

    def drain(self, now: float) -> None:
        """The relay stops: end the session once it is quiet and in no transaction; call again and again."""
        if self._phase == Phase.OPAQUE:
            self.close()
        if self._phase == Phase.STARTUP:  # a socket that asks for nothing; its first message takes no second
            self._quiet_from = self._quiet_from or now
            if now - self._quiet_from >= SILENT_S:
                self.close()
        if self._phase != Phase.SESSION or self._recorder is None:
            return
        if not self._watched:
            self._watched, self._quiet_from = True, now
            self.client.received = self._disturbed(self.client.received)
        if now - self._quiet_from >= QUIET_S and self.idle and not self._recorder.in_transaction:
            self.dismiss()

    def _disturbed(self, received: Callable[[bytes], None]) -> Callable[[bytes], None]:
        def take(data: bytes) -> None:
            self._quiet_from = asyncio.get_running_loop().time()
            received(data)

        return take

    def dismiss(self) -> None:
        """Tell the client that the relay is being stopped, and close."""
        if self._phase == Phase.SESSION and self.idle:
            self.client.write(
                messages.error_response(
                    severity="FATAL",
                    state=messages.ADMIN_SHUTDOWN,
                    message="Quivive relay: this relay is being stopped; connect again.",
                )
            )
        self.close()

    def long_running(self, before: int) -> None:
        """Give executions that began before an instant their first part."""
        if self._session is not None and self._phase == Phase.SESSION:
            self._show(self._bear, before)

    def _bear(self, before: int) -> bytes:
        assert self._session is not None
        assert self._recorder is not None
        for execution in self._session.running:
            if execution.state is not None and execution.state.at < before:
                self._recorder.born(execution.state)
        return b""

    def _begin_session(self, rest: bytes) -> None:
        if self._patience is not None:
            self._patience.cancel()
        if self._replication:
            self._phase = Phase.SESSION
            self._go_opaque()
            self.client.write(rest)
        else:
            self._phase = Phase.SESSION
            refusal = messages.error_response(
                severity="ERROR",
                state=messages.AUDIT_UNAVAILABLE,
                message="Quivive relay: this access cannot be recorded at present, so it is refused.",
                hint="Tell the administrator that the relay cannot write its spool.",
            )
            login = self._startup.get("user", "")
            startup = messages.session_settings(self._startup)
            address, guarded = self.client.address, self._guarded
            self._recorder = Recorder(self._context, login=login, startup=startup, address=address, guarded=guarded)
            self._recorder.reported(b"client_encoding", self._encoding)
            if self._path is not None:
                self._recorder.reported(b"search_path", self._path)
            self._session = PgSession(self._recorder, guarded=self._guarded, refusal=refusal)
            if self._guarded:
                self._open_doors()
                self.client.received, self.server.received = self._guarded_client, self._guarded_server
            else:
                self.client.received, self.server.received = self._from_client, self._from_server
            if rest:
                self.server.received(rest)
        early, self._early = bytes(self._early), bytearray()
        if early:
            self.client.received(early)
        self._pass_end()

    def _open_doors(self) -> None:
        client, server = self.client, self.server
        self._to_client = Door(self._context, client.write, self._unrecorded, server.hold, server.unhold)
        self._to_server = Door(self._context, server.write, self._unrecorded, client.hold, client.unhold)

    def _unrecorded(self) -> None:
        """Strict and closed: what was held cannot be recorded, so it never passes and the connection ends."""
        self._refuse(
            messages.AUDIT_UNAVAILABLE, "Quivive relay: this access cannot be recorded at present, so it is refused."
        )

    # --- session ----------------------------------------------------------------------------------------------------

    def _show(self, look: Callable[[_Told], bytes], told: _Told) -> bytes | None:
        """Show the session bytes, or the hour: what it lets pass, None when it failed and the stream goes on unread.

        Here and in the two methods that follow the relay catches everything, on purpose: a defect of ours in the
        observation must not stop an agent at work, and must not pass unseen. `_codec_failed` logs the place and writes
        the gap.
        """
        try:
            return look(told)
        except Exception as error:  # noqa: BLE001  # see above; provoked by a test
            self._codec_failed(error)
            return None

    def _from_client(self, data: bytes) -> None:
        self.server.put(data)
        try:
            self._session.client_bytes(data)  # type: ignore[union-attr]  # there is one as long as this is `received`
        except Exception as error:  # noqa: BLE001  # as in `_show`, without its call: the hot path
            self._codec_failed(error)

    def _from_server(self, data: bytes) -> None:
        self.client.put(data)
        session = self._session
        try:
            session.server_bytes(data)  # type: ignore[union-attr]  # as above
        except Exception as error:  # noqa: BLE001  # as above
            self._codec_failed(error)
            return
        if session.blocked:  # type: ignore[union-attr]  # as above
            self._block()

    def _guarded_client(self, data: bytes) -> None:
        assert self._session is not None
        assert self._recorder is not None
        assert self._to_server is not None
        out = self._show(self._session.client_bytes, data)
        if out is not None:
            self._to_server.put(out, self._recorder.barrier)

    def _guarded_server(self, data: bytes) -> None:
        session = self._session
        assert session is not None
        assert self._recorder is not None
        assert self._to_client is not None
        out = self._show(self._guarded_look, data)
        if out is None:
            return
        self._to_client.put(out, self._recorder.barrier)
        if session.stopping and self._stopping is None:
            self._cancel_running(session)
        if session.blocked:
            self._block()

    def _cancel_running(self, session: PgSession) -> None:
        """A result was stopped at its limit: the server need not go on. ReadyForQuery waits until it has been told."""
        self._stopping = asyncio.ensure_future(cancel(self._target, self._cancel_key))

        def told(_: object) -> None:
            self._stopping, session.stopping = None, False

        self._stopping.add_done_callback(told)

    def _guarded_look(self, data: bytes) -> bytes:
        assert self._session is not None
        assert self._recorder is not None
        out = self._session.server_bytes(data)
        self._recorder.chunk_done()
        return out

    def _looked_again(self, _: bytes) -> None:
        session = self._session
        assert session is not None
        if self._show(session.server_bytes, b"") is not None and session.blocked:
            self._block()

    def _block(self) -> None:
        """Something must be asked aside (columns, a cancel); meanwhile the server waits, at most one read is held."""
        assert self._recorder is not None
        waiting = self._stopping or self._recorder.waiting
        assert waiting is not None
        if not self._blocked:
            self._blocked = True
            self.server.hold()
        waiting.add_done_callback(lambda _: self._unblock())

    def _unblock(self) -> None:
        session = self._session
        if session is not None:  # else its stream went on unread meanwhile
            (self._guarded_server if self._guarded else self._looked_again)(b"")
            if session.blocked and session is self._session:
                return
        self._blocked = False
        self.server.unhold()
        if self._phase == Phase.CLOSED:
            self._settle()

    def _codec_failed(self, error: Exception) -> None:
        """The stream is not understood: traffic goes on unread, and the gap says so (guarded: the connection ends)."""
        reason = str(error) if isinstance(error, PeerError) else type(error).__name__  # no text that may hold data
        log.warning("relay.codec", source=self._context.facts.name, reason=reason)
        if not isinstance(error, PeerError):
            log.error("relay.defect", source=self._context.facts.name, place=_place(error))
        if self._guarded:
            # Frames that were held cannot be told from those that passed: end rather than corrupt.
            now = self._context.clock()
            self._context.gap(now, now, GapCause.CODEC, -1)
            self._unrecorded()
            return
        self._go_opaque()

    def _go_opaque(self) -> None:
        context = self._context
        self._opaque_from = context.clock()
        context.gap(self._opaque_from, self._opaque_from, GapCause.CODEC, -1)
        self._abort_running()
        self._phase = Phase.OPAQUE
        self.client.received, self.server.received = self.server.write, self.client.write

    def _abort_running(self) -> None:
        session, self._session = self._session, None
        if self._recorder is None or session is None:
            return
        try:
            self._recorder.lost(session.running)
        except Exception as error:  # noqa: BLE001  # the defect that brought us here may strike again
            log.warning("relay.defect", source=self._context.facts.name, place=_place(error))
            now = self._context.clock()
            self._context.gap(now, now, GapCause.CODEC, -1)

    # --- end ----------------------------------------------------------------------------------------------------------

    def _pass_end(self) -> None:
        super()._pass_end()
        if self._said_all and self._phase == Phase.SESSION:
            self.server.received = self._from_server_late

    def _from_server_late(self, data: bytes) -> None:
        """The first answer to a client that has said all: was it killed? Then its system refuses these very bytes.

        They are forwarded, and looked at a moment later: by then `lost` has told that nobody saw them.
        """
        self.server.received = self._from_server
        self.client.write(data)
        self.server.hold()
        asyncio.get_running_loop().call_later(REFUSAL_S, self._look_late, data)

    def _look_late(self, data: bytes) -> None:
        session = self._session
        if session is not None and self._show(session.server_bytes, data) is not None and session.blocked:
            self._block()
        self.server.unhold()

    def lost(self, leg: Leg) -> None:
        """One side is gone: the other gets what was written for it, then goes too."""
        if self._connecting is not None and self._phase == Phase.CONNECTING:
            self._connecting.cancel()
        self._phase = Phase.CLOSED
        other = leg.peer
        door = self._to_client if leg is self.server else self._to_server
        if door is not None:
            door.when_empty(other.close)
        else:
            other.close()
        if not self._blocked:
            self._settle()
        if self.client.gone and (self.server.gone or self.server.transport is None):
            self._ended(self)

    def _settle(self) -> None:
        """Nothing will be read any more: what ran is aborted. May be called again."""
        if self._patience is not None:
            self._patience.cancel()
        self._abort_running()
        if self._opaque_from:
            self._context.gap(self._opaque_from, self._context.clock(), GapCause.CODEC, -1)
            self._opaque_from = 0


def _place(error: Exception) -> str:
    """File and line of a defect, without its message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace is not None else ""
