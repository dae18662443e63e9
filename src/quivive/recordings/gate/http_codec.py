"""The little of HTTP/1.1 that the gate speaks: requests in, whatever way they are cut; answers out.

Sans-io, used by the gate's server; by hand because an exchange waits for each answer and a question fits one packet.
A peer that sends anything at all costs at most the bounds below. Must never guess where a body ends: what is ambiguous
(two lengths, a transfer coding) is refused and the connection closed.
"""

from dataclasses import dataclass, field
from typing import Final

MAX_HEAD_BYTES: Final = 8_192
"""Bytes of request line and headers; curl's own have some two hundred."""
MAX_BODY_BYTES: Final = 4_096
"""Bytes of a body: a dozen short fields."""
MAX_WAITING: Final = 64
"""Requests of one connection taken at once; a client that sends more without reading is closed."""
_METHODS: Final = frozenset({"GET", "POST"})
_STATUS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One whole request. `headers` by lower-case name; of a repeated header the values are joined by a comma."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool

    @property
    def wants_json(self) -> bool:
        """Whether the client asked for JSON."""
        return "application/json" in self.headers.get("accept", "")


class RequestError(Exception):
    """The stream is not what is spoken here; answer `status`, then close."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(_STATUS[status])


@dataclass(slots=True)
class RequestReader:
    """Cuts one connection's bytes into requests. After a RequestError it is dead."""

    expects_continue: bool = False
    """The client waits for `100 Continue` before it sends its body; reset by whoever answers that."""
    _data: bytearray = field(default_factory=bytearray)
    _head: Request | None = None
    _length: int = 0

    def feed(self, data: bytes) -> list[Request]:
        """Take bytes; give the requests that they complete.

        Raises:
            RequestError: refuse and close.
        """
        self._data += data
        found: list[Request] = []
        while (request := self._next()) is not None:
            found.append(request)
            if len(found) > MAX_WAITING:
                raise RequestError(413)
        return found

    def _next(self) -> Request | None:
        if self._head is None:
            while self._data[:2] == b"\r\n":  # an empty line before a request is let pass (RFC 9112 §2.2)
                del self._data[:2]
            end = self._data.find(b"\r\n\r\n")
            if end > MAX_HEAD_BYTES or (end < 0 and len(self._data) > MAX_HEAD_BYTES):
                raise RequestError(431)
            if end < 0:
                return None
            self._head, self._length = _read_head(bytes(self._data[:end]))
            del self._data[: end + 4]
            self.expects_continue = bool(self._length) and "expect" in self._head.headers
        if len(self._data) < self._length:
            return None
        head, body = self._head, bytes(self._data[: self._length])
        del self._data[: self._length]
        self._head, self.expects_continue = None, False
        return Request(
            method=head.method,
            path=head.path,
            query=head.query,
            headers=head.headers,
            body=body,
            keep_alive=head.keep_alive,
        )


def _read_head(head: bytes) -> tuple[Request, int]:
    try:
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = first.split(" ")
    except ValueError:
        raise RequestError(400) from None
    if version not in ("HTTP/1.1", "HTTP/1.0") or not target.startswith("/"):
        raise RequestError(400)
    if method not in _METHODS:
        raise RequestError(405)
    headers = _headers(lines)
    if "transfer-encoding" in headers:
        raise RequestError(501)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):  # also "12,12": two lengths
        raise RequestError(400)
    if len(length) > 9 or int(length) > MAX_BODY_BYTES:
        raise RequestError(413)
    connection = headers.get("connection", "").lower()
    path, _, query = target.partition("?")
    keep_alive = "close" not in connection and (version == "HTTP/1.1" or "keep-alive" in connection)
    request = Request(method=method, path=path, query=query, headers=headers, body=b"", keep_alive=keep_alive)
    return request, int(length)


def _headers(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or "\n" in line or "\0" in line:
            raise RequestError(400)
        name = name.lower()
        value = value.strip()
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def response(status: int, body: bytes, *, as_json: bool, keep_alive: bool) -> bytes:
    """Write one answer."""
    media = "application/json" if as_json else "text/plain; charset=utf-8"
    connection = "keep-alive" if keep_alive else "close"
    head = (
        f"HTTP/1.1 {status} {_STATUS[status]}\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nConnection: {connection}\r\n\r\n"
    )
    return head.encode() + body


CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
