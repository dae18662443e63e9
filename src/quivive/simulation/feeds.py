"""The HTTP side of the demonstration: what telephony, helpdesk, planning and directory deliver, and when.

Called by `centre.py` (deliver) and `demo.py` (the loop). A delivery waits a realistic delay, is retried until
the product has it, and the source's heartbeat never claims more than what was delivered. Must never log a row.
"""

import asyncio
import http.client
import json
import random
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from quivive.model.clock import SECOND_US, Micros, now_us, to_rfc3339

HEARTBEAT_S: Final = 2.0
"""Seconds between two heartbeats of a source."""
FLUSH_S: Final = 0.4
"""Seconds between two looks at what is due."""
MAX_PENDING: Final = 20_000
"""Deliveries a feed keeps while the product is away: about an hour of the demonstration; older ones are lost."""
MAX_BATCH: Final = 500
"""Rows in one request."""
HTTP_TIMEOUT_S: Final = 10.0
NDJSON: Final = "application/x-ndjson"


class FeedError(RuntimeError):
    """The product refused a whole request: the status and the problem's code, never the rows."""


class Api:
    """A connection that is kept open, with the token of one source. Blocking: used from worker threads only."""

    def __init__(self, base: str, token: str) -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._token = token
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """Post rows as NDJSON and return the report.

        Raises:
            FeedError: the product refused the request.
            OSError: the product cannot be reached.
        """
        body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        return self.request("POST", path, body, NDJSON)

    def request(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json"
    ) -> dict[str, Any]:
        """Send one request and return the JSON answer; a connection closed meanwhile is opened again, once.

        Raises:
            FeedError: status 400 or above.
            OSError: the product cannot be reached.
        """
        for last in (False, True):
            try:
                return self._once(method, path, body, content_type)
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if last:
                    raise ConnectionError("the product closed the connection") from None
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=HTTP_TIMEOUT_S)
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type, "Accept": "application/json"}
        self._connection.request(method, path, body or None, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise FeedError(f"{method} {path.partition('?')[0]}: {answer.status}")
        decoded = json.loads(text) if text else {}
        return decoded if isinstance(decoded, dict) else {"items": decoded}

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(slots=True, kw_only=True)
class _Delivery:
    row: dict[str, Any]
    covers_from: int
    due: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Seconds between an event and its delivery: `usual` on average, never above `most`."""

    usual: float
    most: float

    def draw(self, chance: random.Random) -> float:
        """Draw one delay."""
        return min(self.most, 0.2 + chance.expovariate(1 / self.usual))


@dataclass(slots=True)
class Feed:
    """One source of contacts: `deliver()` from the agents, `run()` as a task.

    `refused` counts rows the product refused; `delivered` those it has. Order is kept per contact: a later
    version is never due before an earlier one.
    """

    api: Api
    delay: Delay
    chance: random.Random
    delivered: int = 0
    refused: int = 0
    first_refusal: str = ""
    seen: Callable[[dict[str, Any]], None] | None = None
    _pending: list[_Delivery] = field(default_factory=list)
    _last_due: dict[str, float] = field(default_factory=dict)
    _expected: dict[str, int] = field(default_factory=dict)

    def expect(self, name: str, at: int) -> None:
        """Something of this contact has happened at `at` that is not handed over yet: claim nothing beyond it."""
        self._expected[name] = at

    def deliver(self, row: dict[str, Any], *, covers_from: int) -> None:
        """Hand over one version of a contact; until it is delivered the source is complete to `covers_from` only."""
        now = time.monotonic()
        if self.seen is not None:
            self.seen(row)
        self._expected.pop(row["id"], None)
        due = max(now + self.delay.draw(self.chance), self._last_due.get(row["id"], 0.0))
        self._last_due[row["id"]] = due
        self._pending.append(_Delivery(row=row, covers_from=covers_from, due=due))
        del self._pending[:-MAX_PENDING]

    async def run(self) -> None:
        """Deliver what is due and tell how far the source is complete, until cancelled."""
        beat = 0.0
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self._flush()
                if time.monotonic() - beat >= HEARTBEAT_S:
                    beat = time.monotonic()
                    await asyncio.to_thread(self.api.post, "/v1/heartbeats", [self._heartbeat()])
            except (OSError, FeedError):
                await asyncio.sleep(HEARTBEAT_S)  # the product is away: what is pending waits

    async def _flush(self) -> None:
        now = time.monotonic()
        batch = [item for item in self._pending if item.due <= now][:MAX_BATCH]
        if not batch:
            return
        report = await asyncio.to_thread(self.api.post, "/v1/contacts", [item.row for item in batch])
        gone = {id(item) for item in batch}
        self._pending = [item for item in self._pending if id(item) not in gone]
        self._last_due = {name: due for name, due in self._last_due.items() if due > now - HTTP_TIMEOUT_S}
        self.delivered += len(batch)
        for refusal in report.get("refused", ()):
            self.refused += 1
            self.first_refusal = self.first_refusal or f"{refusal.get('field')}: {refusal.get('expected')}"

    def _heartbeat(self) -> dict[str, Any]:
        # half a second of reserve: an event of this very moment may not have been handed over yet
        floor = now_us() - SECOND_US // 2
        complete_to = min([floor, *(item.covers_from for item in self._pending), *self._expected.values()])
        return {"complete_to": to_rfc3339(Micros(complete_to))}
