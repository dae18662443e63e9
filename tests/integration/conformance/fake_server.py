"""A scripted server, for what a real one cannot be made to say: odd keys, no keys, its whole start-up in one segment."""

import socket
import struct
import threading
from collections.abc import Callable
from typing import Self

from wire_client import cstring, frame

AUTHENTICATION_OK = frame(b"R", struct.pack("!I", 0))
READY = frame(b"Z", b"I")


def status(name: str, value: str) -> bytes:
    return frame(b"S", cstring(name) + cstring(value))


def failure(state: str, message: str, severity: str = "FATAL") -> bytes:
    fields = (("S", severity), ("V", severity), ("C", state), ("M", message))
    return frame(b"E", b"".join(code.encode() + cstring(text) for code, text in fields) + b"\0")


class FakeServer:
    """Accepts connections and lets `serve(connection, first message)` say what it likes; remembers start-up messages."""

    def __init__(self, serve: Callable[[socket.socket, bytes], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.opened: list[bytes] = []
        self._thread = threading.Thread(target=self._run)
        self._errors: list[Exception] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        assert self._errors == []

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    size = struct.unpack("!I", self.take(connection, 4))[0]
                    self.opened.append(struct.pack("!I", size) + self.take(connection, size - 4))
                    self._serve(connection, self.opened[-1])
                except OSError as error:
                    self._errors.append(error)

    @staticmethod
    def take(connection: socket.socket, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = connection.recv(count - len(data))
            if not more:
                raise ConnectionResetError("the relay closed")
            data += more
        return data

    @classmethod
    def request(cls, connection: socket.socket) -> bytes:
        """One message of the client, whole."""
        head = cls.take(connection, 5)
        return head + cls.take(connection, struct.unpack("!I", head[1:])[0] - 4)
