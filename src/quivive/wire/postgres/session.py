"""Follows one PostgreSQL connection through both its directions and tells an observer what was executed and shown.

Called by the relay with the bytes it forwards. Sans I/O: no socket, clock or logger; the only thing that bytes
can raise is PeerError. Must never decode a row (the observer cuts key columns in place) nor a password.

Answers are matched to requests in order. What a refused or skipped message changed is undone, as the server
skips everything up to the next Sync after an error (PostgreSQL manual 55.2.3).
"""

from quivive.wire.postgres.backend import ServerHalf
from quivive.wire.postgres.frontend import ClientHalf
from quivive.wire.postgres.observer import Observer
from quivive.wire.postgres.state import Due, Execution


class PgSession(ClientHalf, ServerHalf):
    """One connection after authentication.

    `server_bytes` and `client_bytes` return the bytes that may be forwarded in a guarded session: whole frames only,
    without refused messages, with the refusals inserted. An unguarded caller forwards first and ignores the result.
    """

    def __init__(self, observer: Observer, *, guarded: bool = False, refusal: bytes = b"") -> None:
        super().__init__(observer, guarded=guarded, refusal=refusal)

    @property
    def running(self) -> list[Execution]:
        """Executions sent and not answered to their end, oldest first: aborted when the connection dies."""
        found: list[Execution] = list(self._suspended)
        for kind, payload in self._due_plainly():
            if kind == Due.EXECUTE and payload not in found:
                found.append(payload)
            elif kind in (Due.SIMPLE, Due.FUNCTION):
                found.extend(payload.executions[payload.at :])
        return found
