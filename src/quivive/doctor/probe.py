"""A short talk with a PostgreSQL server before any password: does it answer, speak TLS, which proof does it ask for.

Called by `database`. Must never send a password, a statement, or more than a start-up message.
"""

import asyncio
import hashlib
import ssl
import struct
from dataclasses import dataclass
from typing import Final

from quivive.capture.address import Address
from quivive.capture.side import open_streams
from quivive.capture.tls import client_context
from quivive.wire.postgres import messages

PROBE_TIMEOUT_S: Final = 5.0
_NOT_AUTHORISED: Final = "28000"
MAX_ANSWER_BYTES: Final = 64 << 10
METHODS: Final = {
    0: "trust",
    3: "password",
    5: "md5",
    7: "gss",
    9: "sspi",
    10: "scram",
}
"""AuthenticationRequest codes (PostgreSQL manual 55.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """`certificate` is the SHA-256 of the server's certificate (DER), "" without TLS; `method` "" when refused.

    `certificate_wanted`: it was refused for want of a client's certificate.
    """

    answers: bool
    tls: bool = False
    certificate: str = ""
    binding: bool = False
    method: str = ""
    refused: str = ""
    certificate_wanted: bool = False


async def probe(address: Address, user: str, database: str, *, tls: bool = True) -> Probed:
    """Talk until the server asks for a proof; `tls` False stays in clear even where TLS is offered."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return await _talk(address, user, database, tls=tls)
    except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
        return Probed(answers=False)


async def _talk(address: Address, user: str, database: str, *, tls: bool) -> Probed:
    reader, writer = await open_streams(address)
    try:
        offered = False
        if not address.path:
            writer.write(messages.SSL_QUESTION)
            offered = await reader.readexactly(1) == b"S"
        certificate = ""
        if offered and tls:
            await writer.start_tls(client_context(None, verify=False), server_hostname=address.host)
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            certificate = hashlib.sha256(shown).hexdigest() if shown else ""
        elif offered:  # the question was answered with S: clear bytes would break it
            writer.close()
            reader, writer = await open_streams(address)
        pairs = f"user\x00{user}\x00database\x00{database}\x00\x00".encode()
        writer.write(struct.pack("!II", len(pairs) + 8, 3 << 16) + pairs)
        kind, size = struct.unpack("!cI", await reader.readexactly(5))
        body = await reader.readexactly(min(size - 4, MAX_ANSWER_BYTES))
    finally:
        writer.close()
    if kind == b"E":
        state = messages.error_state(body, 0, len(body))
        # "client certificate", "certificat client", "Client-Zertifikat": SQLSTATE 28000 alone says many things.
        wanted = state == _NOT_AUTHORISED and b"ertifi" in body
        return Probed(answers=True, tls=offered, certificate=certificate, refused=state, certificate_wanted=wanted)
    method = METHODS.get(int.from_bytes(body[:4], "big"), "other") if kind == b"R" else "other"
    return Probed(
        answers=True, tls=offered, certificate=certificate, binding=b"SCRAM-SHA-256-PLUS" in body, method=method
    )
