"""Connections of exchanges: bytes to requests, answers in the order they were asked.

Used by the gate's process. Must never let one slow or idle connection cost more than its bounds, nor send an answer
before the one that was asked for earlier.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final, cast

from quivive.recordings.gate.asking import told
from quivive.recordings.gate.exchange import Exchange
from quivive.recordings.gate.http_codec import CONTINUE, Request, RequestError, RequestReader, response

MAX_CONNECTIONS: Final = 1_000
"""Connections of one exchange: each of its calls may hold one for the moment of a question."""
IDLE_S: Final = 120.0
"""A connection without a request for so long is closed; curl opens another."""


@dataclass(slots=True)
class _Slot:
    request: Request
    data: bytes = b""


class GateConnection(asyncio.Protocol):
    """One connection of an exchange."""

    def __init__(self, exchange: Exchange, open_connections: "set[GateConnection]") -> None:
        self._exchange, self._open = exchange, open_connections
        self._reader = RequestReader()
        self._slots: deque[_Slot] = deque()
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self.active_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self.active_at = asyncio.get_running_loop().time()
        if len(self._open) >= MAX_CONNECTIONS:
            self._transport.abort()
            return
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it; answers still to come are written as traces all the same."""
        del exc
        self._transport = None
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        if self._closing or self._transport is None:
            return
        self.active_at = asyncio.get_running_loop().time()
        try:
            requests = self._reader.feed(data)
        except RequestError as error:
            self._refuse(error.status)
            return
        if self._reader.expects_continue:
            self._reader.expects_continue = False
            self._transport.write(CONTINUE)
        for request in requests:
            self._take(request)

    def _take(self, request: Request) -> None:
        slot = _Slot(request)
        self._slots.append(slot)

        def reply(status: int, body: bytes) -> None:
            slot.data = response(status, body, as_json=request.wants_json, keep_alive=request.keep_alive)
            self._flush()

        self._exchange.take(request, reply)

    def _flush(self) -> None:
        while self._slots and self._slots[0].data:
            slot = self._slots.popleft()
            if self._transport is None:
                continue
            self._transport.write(slot.data)
            if not slot.request.keep_alive:
                self._closing = True
                self._transport.close()

    def _refuse(self, status: int) -> None:
        """Say no to what cannot be read; what was asked before it keeps its answer."""
        self._exchange.counts.refused += 1
        self._closing = True
        if self._transport is not None:
            body = told(allowed=False, reason="unreadable", answer="", campaign="", as_json=False)
            if not self._slots:
                self._transport.write(response(status, body, as_json=False, keep_alive=False))
            self._transport.close()

    def end_if_idle(self, now: float) -> None:
        """Close when nothing was asked for long."""
        if self._transport is not None and not self._slots and now - self.active_at > IDLE_S:
            self._transport.close()

    def dismiss(self) -> None:
        """Close at the end of the process."""
        if self._transport is not None:
            self._transport.close()
