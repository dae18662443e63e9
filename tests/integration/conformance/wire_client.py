"""A client that speaks PostgreSQL's protocol by hand: builders of messages, and a socket that remembers all it heard.

Used by the conformance tests to say exactly the bytes of a case, to a server or to a relay. What it hears is a list of
(kind, body), so that two lists that are equal were two streams that were equal byte for byte.
"""

import hashlib
import socket
import struct
import time
from collections.abc import Sequence
from typing import Self

Message = tuple[str, bytes]
SSL_REQUEST, GSS_REQUEST, CANCEL = 80_877_103, 80_877_104, 80_877_102
V3_0, V3_2 = 0x30000, 0x30002
GONE: Message = ("gone", b"")
PATIENCE_S = 20.0


def frame(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def cstring(text: str | bytes) -> bytes:
    return (text.encode() if isinstance(text, str) else text) + b"\0"


def opening(code: int, body: bytes = b"") -> bytes:
    """A message without a type: start-up, and the questions before it."""
    return struct.pack("!II", len(body) + 8, code) + body


def startup(version: int = V3_0, **parameters: str) -> bytes:
    pairs = b"".join(cstring(name) + cstring(value) for name, value in parameters.items())
    return opening(version, pairs + b"\0")


def query(text: str | bytes) -> bytes:
    return frame(b"Q", cstring(text))


def parse(text: str | bytes, name: str = "", types: Sequence[int] = ()) -> bytes:
    return frame(b"P", cstring(name) + cstring(text) + struct.pack(f"!H{len(types)}I", len(types), *types))


def bind(
    *values: str | bytes | None,
    portal: str = "",
    name: str = "",
    formats: Sequence[int] = (),
    results: Sequence[int] = (),
) -> bytes:
    body = cstring(portal) + cstring(name) + struct.pack(f"!H{len(formats)}h", len(formats), *formats)
    body += struct.pack("!H", len(values))
    for value in values:
        raw = value.encode() if isinstance(value, str) else value
        body += struct.pack("!i", -1) if raw is None else struct.pack("!i", len(raw)) + raw
    return frame(b"B", body + struct.pack(f"!H{len(results)}h", len(results), *results))


def describe(name: str = "", kind: str = "P") -> bytes:
    return frame(b"D", kind.encode() + cstring(name))


def execute(portal: str = "", rows: int = 0) -> bytes:
    return frame(b"E", cstring(portal) + struct.pack("!I", rows))


def close(name: str = "", kind: str = "S") -> bytes:
    return frame(b"C", kind.encode() + cstring(name))


def function(oid: int, *values: bytes) -> bytes:
    """FunctionCall with text arguments and a text result."""
    arguments = b"".join(struct.pack("!i", len(value)) + value for value in values)
    return frame(b"F", struct.pack("!IHH", oid, 0, len(values)) + arguments + struct.pack("!h", 0))


def copy_data(data: bytes) -> bytes:
    return frame(b"d", data)


SYNC, FLUSH, TERMINATE, COPY_DONE = frame(b"S"), frame(b"H"), frame(b"X"), frame(b"c")


class Wire:
    """One connection. `heard` is everything that came, in order."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard: list[Message] = []
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *messages: bytes) -> None:
        self.socket.sendall(b"".join(messages))

    def pieces(self, data: bytes, size: int, pause_s: float = 0.0) -> None:
        """Send in pieces, each a segment of its own."""
        for at in range(0, len(data), size):
            self.socket.sendall(data[at : at + size])
            if pause_s:
                time.sleep(pause_s)

    def raw(self, count: int) -> bytes:
        """Bytes that are no message: the answer to SSLRequest."""
        while len(self._buffer) < count and self._fill():
            pass
        out = bytes(self._buffer[:count])
        del self._buffer[:count]
        self.heard.append(("raw", out))
        return out

    def _fill(self) -> bool:
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            return False
        self._buffer += data
        return bool(data)

    def until(self, kinds: str = "Z", times: int = 1) -> list[Message]:
        """Hear up to the `times`-th message of one of `kinds`, or the end of the connection."""
        came: list[Message] = []
        while times:
            message = self._message()
            came.append(message)
            if message == GONE:
                break
            times -= message[0] in kinds
        self.heard += came
        return came

    def gone(self) -> list[Message]:
        """Hear all there is, up to the end."""
        return self.until("", 1)

    def _message(self) -> Message:
        buffer = self._buffer
        while len(buffer) < 5 or len(buffer) < 1 + (length := struct.unpack_from("!I", buffer, 1)[0]):
            if not self._fill():
                assert not buffer, "the connection ended within a message"
                return GONE
        message = (chr(buffer[0]), bytes(buffer[5 : 1 + length]))
        del buffer[: 1 + length]
        return message

    def enter(self, user: str, database: str, version: int = V3_0, **parameters: str) -> list[Message]:
        """Start up without a password."""
        self.send(startup(version, user=user, database=database, **parameters))
        return self.until("ZE")

    def ask(self, *messages: bytes, kinds: str = "Z", times: int = 1) -> list[Message]:
        self.send(*messages)
        return self.until(kinds, times)

    @property
    def backend_key(self) -> tuple[int, bytes]:
        """Process and secret that a cancel request must show."""
        body = next(body for kind, body in self.heard if kind == "K")
        return struct.unpack_from("!I", body)[0], body[4:]

    def cancel(self, process: int | None = None, secret: bytes | None = None) -> None:
        """Send a cancel request on a connection of its own and wait for its end."""
        mine = self.backend_key
        key = struct.pack("!I", mine[0] if process is None else process) + (mine[1] if secret is None else secret)
        with Wire(self.address) as other:
            other.send(opening(CANCEL, key))
            assert other.gone() == [GONE]


def md5_answer(user: str, password: bytes, challenge: bytes) -> bytes:
    inner = hashlib.md5(password + user.encode()).hexdigest().encode()
    return frame(b"p", cstring(b"md5" + hashlib.md5(inner + challenge).hexdigest().encode()))


def kinds(messages: Sequence[Message]) -> str:
    """The types of messages, one letter each."""
    return "".join(kind for kind, _ in messages if len(kind) == 1)


def rows(messages: Sequence[Message]) -> list[list[bytes | None]]:
    """Values of the DataRows."""
    found = []
    for kind, body in messages:
        if kind != "D":
            continue
        at, row = 2, []
        for _ in range(struct.unpack_from("!H", body)[0]):
            (size,) = struct.unpack_from("!i", body, at)
            at += 4
            row.append(None if size < 0 else body[at : at + size])
            at += max(size, 0)
        found.append(row)
    return found


def states(messages: Sequence[Message]) -> list[str]:
    """SQLSTATEs of the errors."""
    return [
        field[1:].decode() for kind, body in messages if kind == "E" for field in body.split(b"\0") if field[:1] == b"C"
    ]
