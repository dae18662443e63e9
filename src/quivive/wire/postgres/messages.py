"""Codes and bodies of PostgreSQL protocol 3 messages: decoders over a buffer, encoders to bytes.

Called by `session`, `rows` and the edges in capture. Pure. Must never decode a password message, and
never put a value read from the wire into an error.
References are to the PostgreSQL manual, chapter 55.7 (message formats).
"""

import re
import struct
from functools import lru_cache
from typing import Final

from quivive.wire.fields import Field
from quivive.wire.framing import PeerError

PROTOCOL_3: Final = 3
CANCEL_REQUEST: Final = 80_877_102
SSL_REQUEST: Final = 80_877_103
SSL_QUESTION: Final = struct.pack("!II", 8, SSL_REQUEST)  # the whole message
GSSENC_REQUEST: Final = 80_877_104
TLS_HANDSHAKE: Final = 0x16  # first byte of a direct TLS connection (sslnegotiation=direct)
MAX_STARTUP_BYTES: Final = 10_000  # the server's own limit for a start-up packet
MIN_CANCEL_BYTES: Final = 12
MAX_DESCRIPTIONS: Final = 1_024
"""Column descriptions remembered (about 1 kB each): a driver without prepared statements sends one per execution."""
MAX_COLUMNS: Final = 1_664  # the server's limit of columns in a result

SYNC: Final = b"S\x00\x00\x00\x04"

# SQLSTATE of errors that tell how an execution ended (manual, appendix A).
QUERY_CANCELED: Final = "57014"
SHUTDOWN_STATES: Final = frozenset({"57P01", "57P02", "57P03", "57P05"})
CANNOT_CONNECT: Final = "08001"
LIMIT_EXCEEDED: Final = "53400"  # configuration_limit_exceeded: more records than one result may show
NOT_PERMITTED: Final = "42501"  # insufficient_privilege: the agent's hourly limit
ADMIN_SHUTDOWN: Final = "57P01"
AUDIT_UNAVAILABLE: Final = "58030"  # io_error: the trace could not be written

_int32 = struct.Struct("!i")
_int16 = struct.Struct("!h")
_uint16 = struct.Struct("!H")
_field_tail = struct.Struct("!IhIhih")


def cstring_end(buffer: bytes, start: int, limit: int) -> int:
    """Offset of the zero byte that ends the string at `start`.

    Raises:
        PeerError: no zero byte before `limit`.
    """
    end = buffer.find(0, start, limit)
    if end < 0:
        raise PeerError("a string without its end")
    return end


def startup_parameters(packet: bytes) -> dict[str, str]:
    """Decode the name/value pairs of a StartupMessage, length and version included in `packet`."""
    parts = packet[8:].split(b"\x00")
    texts = [part.decode("utf-8", "replace") for part in parts]
    return {name: value for name, value in zip(texts[0::2], texts[1::2], strict=False) if name}


_OPTION: Final = re.compile(r"(?:-c\s*|--)([^=\s]+)=((?:\\.|\S)*)")


def session_settings(startup: dict[str, str]) -> dict[str, str]:
    """Session variables a start-up message sets: its own parameters and those of `options` (`-c name=value`)."""
    found = {name: value for name, value in startup.items() if name not in {"user", "database", "options"}}
    for name, value in _OPTION.findall(startup.get("options", "")):
        found[name.replace("-", "_")] = re.sub(r"\\(.)", r"\1", value)
    return found


def row_description(buffer: bytes, start: int, end: int) -> tuple[tuple[Field, ...], tuple[int, ...]]:
    """Decode RowDescription: the columns and their formats as announced (true formats are in Bind).

    The same bytes give the same objects, so that what depends on them can be found by identity.

    Raises:
        PeerError: the body is shorter than its count says.
    """
    return _row_description(buffer[start:end])


@lru_cache(maxsize=MAX_DESCRIPTIONS)
def _row_description(buffer: bytes) -> tuple[tuple[Field, ...], tuple[int, ...]]:
    end = len(buffer)
    if end < 2:
        raise PeerError("a message shorter than its type")
    count = _uint16.unpack_from(buffer)[0]
    position = 2
    fields, formats = [], []
    for _ in range(count):
        name_end = cstring_end(buffer, position, end)
        if name_end + 19 > end:
            raise PeerError("a column description without its end")
        table, attnum, kind, _size, _modifier, form = _field_tail.unpack_from(buffer, name_end + 1)
        name = buffer[position:name_end].decode("utf-8", "replace")
        fields.append(Field(name, table, attnum, kind))
        formats.append(form)
        position = name_end + 19
    return tuple(fields), tuple(formats)


def parse_message(buffer: bytes, start: int, end: int) -> tuple[bytes, bytes, tuple[int, ...]]:
    """Decode Parse: statement name, text, declared parameter type OIDs."""
    name_end = cstring_end(buffer, start, end)
    text_end = cstring_end(buffer, name_end + 1, end)
    types: tuple[int, ...] = ()
    if text_end + 3 <= end:
        count = _uint16.unpack_from(buffer, text_end + 1)[0]
        if text_end + 3 + 4 * count <= end:
            types = struct.unpack_from(f"!{count}I", buffer, text_end + 3)
    return buffer[start:name_end], buffer[name_end + 1 : text_end], types


Bind = tuple[bytes, bytes, tuple[int, ...], list[bytes | None], tuple[int, ...]]


def bind_message(buffer: bytes, start: int, end: int) -> Bind:
    """Decode Bind: portal, statement, parameter formats, values, result formats.

    Raises:
        PeerError: a count or a length runs over the end.
    """
    portal_end = cstring_end(buffer, start, end)
    name_end = cstring_end(buffer, portal_end + 1, end)
    try:
        formats, position = _formats(buffer, name_end + 1)
        count = _uint16.unpack_from(buffer, position)[0]
        position += 2
        values: list[bytes | None] = []
        for _ in range(count):
            length = _int32.unpack_from(buffer, position)[0]
            position += 4
            if length < 0:
                values.append(None)
                continue
            values.append(buffer[position : position + length])
            position += length
        results, position = _formats(buffer, position)
    except struct.error as error:
        raise PeerError("a Bind that runs over its end") from error
    if position > end:
        raise PeerError("a Bind that runs over its end")
    return buffer[start:portal_end], buffer[portal_end + 1 : name_end], formats, values, results


def formats(buffer: bytes, position: int) -> tuple[int, ...]:
    """Format codes of a Bind at `position`: count, then codes."""
    return _formats(buffer, position)[0]


def _formats(buffer: bytes, position: int) -> tuple[tuple[int, ...], int]:
    count = _uint16.unpack_from(buffer, position)[0]
    if count == 0:
        return (), position + 2
    if count == 1:
        return (_int16.unpack_from(buffer, position + 2)[0],), position + 4
    return struct.unpack_from(f"!{count}h", buffer, position + 2), position + 2 + 2 * count


def format_of(formats: tuple[int, ...], index: int) -> int:
    """Wire format of one column or parameter: none given means text, one given holds for all."""
    if not formats:
        return 0
    return formats[0] if len(formats) == 1 else formats[index] if index < len(formats) else 0


def error_state(buffer: bytes, start: int, end: int) -> str:
    """SQLSTATE of an ErrorResponse; nothing else of it may be kept (messages carry data)."""
    position = start
    while position < end and buffer[position]:
        field_end = cstring_end(buffer, position + 1, end)
        if buffer[position] == 0x43:  # 'C'
            return buffer[position + 1 : field_end].decode("ascii", "replace")
        position = field_end + 1
    return ""


def frame(kind: bytes, body: bytes) -> bytes:
    """One message: type byte, length, body."""
    return kind + _int32.pack(len(body) + 4) + body


def error_response(*, severity: str, state: str, message: str, hint: str = "") -> bytes:
    """ErrorResponse with severity in both its forms, SQLSTATE and message."""
    fields = [("S", severity), ("V", severity), ("C", state), ("M", message)]
    if hint:
        fields.append(("H", hint))
    body = b"".join(code.encode() + text.encode() + b"\x00" for code, text in fields)
    return frame(b"E", body + b"\x00")


def cancel_request(key: bytes) -> bytes:
    """CancelRequest for the body of a BackendKeyData: process and secret."""
    return (8 + len(key)).to_bytes(4, "big") + CANCEL_REQUEST.to_bytes(4, "big") + key


def ready_for_query(status: int) -> bytes:
    """ReadyForQuery with the transaction status byte."""
    return b"Z\x00\x00\x00\x05" + bytes((status,))


def without_channel_binding(body: bytes) -> bytes:
    """Take the -PLUS mechanisms out of an AuthenticationSASL body (capture reference §3.2, clear leg to TLS leg)."""
    kept = [name for name in body[4:].split(b"\x00") if name and not name.endswith(b"-PLUS")]
    return body[:4] + b"".join(name + b"\x00" for name in kept) + b"\x00"
