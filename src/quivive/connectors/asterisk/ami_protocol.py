"""The line protocol of Asterisk's manager interface (AMI): bytes in, messages out, whatever way they are cut.

Used by the AMI client. Sans-io: no socket, no clock. A peer that sends anything at all costs at most the bounds
below; what exceeds them is dropped whole and counted, never cut. Must never echo a value in an error.
"""

from dataclasses import dataclass, field
from typing import Final

from quivive.model.errors import RefusedError

MAX_LINE_BYTES: Final = 16_384
"""Bytes of one line; Asterisk's own limit for a header is 1,024, a channel variable may be longer."""
MAX_MESSAGE_LINES: Final = 512
"""Lines of one message; the longest event documented has about sixty."""
MAX_ACTION_BYTES: Final = 1_024

Message = dict[str, str]
"""One response or event: header → value, in lower-case names; of a repeated header the first value counts."""


@dataclass(slots=True)
class AmiParser:
    """Cuts a byte stream into messages. `banner` is the greeting line, `dropped` counts messages beyond bounds."""

    banner: str = ""
    dropped: int = 0
    _pending: bytearray = field(default_factory=bytearray)
    _message: Message = field(default_factory=dict)
    _lines: int = 0
    _skipping_line: bool = False
    _damaged: bool = False

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes; give the messages that they complete."""
        messages: list[Message] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = bytes(self._pending) + data[start:end]
            self._pending.clear()
            start = end + 1
            if self._skipping_line or len(line) > MAX_LINE_BYTES:
                self._skipping_line, self._damaged = False, True
                continue
            self._take(line.removesuffix(b"\r"), messages)
        self._keep(data[start:])
        return messages

    def _keep(self, rest: bytes) -> None:
        if self._skipping_line or len(self._pending) + len(rest) > MAX_LINE_BYTES + 1:
            self._pending.clear()
            self._skipping_line = True
            return
        self._pending += rest

    def _take(self, line: bytes, messages: list[Message]) -> None:
        if not line:
            self._end(messages)
            return
        self._lines += 1
        if self._lines > MAX_MESSAGE_LINES:
            self._damaged = True
            return
        text = line.decode("utf-8", "replace")
        name, colon, value = text.partition(":")
        if not colon:
            if not self.banner and not self._message:
                self.banner = text[:128]
                self._lines = 0
            return
        self._message.setdefault(name.strip().lower(), value.strip())

    def _end(self, messages: list[Message]) -> None:
        if self._damaged:
            self.dropped += 1
        elif self._message:
            messages.append(self._message)
        self._message, self._lines, self._damaged = {}, 0, False


def action(name: str, **headers: str) -> bytes:
    """Write one action.

    Raises:
        RefusedError: a header holds a line break, which would smuggle a second action in.
    """
    lines = [f"Action: {name}", *(f"{header}: {value}" for header, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise RefusedError("ami_action", "a header without line break")
    data = "\r\n".join([*lines, "", ""]).encode()
    if len(data) > MAX_ACTION_BYTES:
        raise RefusedError("ami_action", f"at most {MAX_ACTION_BYTES} bytes in an action")
    return data
