"""Client side of password authentication: SCRAM-SHA-256 (RFC 5802, RFC 7677), its -PLUS form, PostgreSQL's md5.

Called by the relay's side connection, and by `capture.termination` where the relay authenticates by itself; elsewhere
the agents' authentication is relayed, never read. Pure: the nonce is an argument. No secret may stand in an error.
"""

import base64
import hashlib
import hmac
import stringprep
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from quivive.wire.framing import PeerError

MECHANISM: Final = "SCRAM-SHA-256"
MECHANISM_PLUS: Final = "SCRAM-SHA-256-PLUS"
NO_BINDING: Final = "n,,"
"""GS2 header of a client that cannot bind to a channel."""
NOT_OFFERED: Final = "y,,"
"""GS2 header of a client that could, of a server that does not offer it: a lie about that ends the exchange."""
BOUND: Final = "p=tls-server-end-point,,"
"""GS2 header of a client that binds to the server's certificate, the only binding PostgreSQL knows."""
MAX_ITERATIONS: Final = 10_000_000
"""Rounds a server may ask for; above, it would only burn our time."""
MAX_SCRAM_BYTES: Final = 8_192
"""Bytes of one SCRAM message; those of libpq and of the server stay below 300."""


def md5_response(user: str, password: str, salt: bytes) -> bytes:
    """Answer of AuthenticationMD5Password (PostgreSQL manual 55.2.1)."""
    inner = hashlib.md5(password.encode() + user.encode(), usedforsecurity=False).hexdigest()
    return b"md5" + hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest().encode()


_PROHIBITED: Final = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def prepared(password: str) -> bytes:
    """SASLprep (RFC 4013) as PostgreSQL does it: ASCII stays as it is, and so does what may not be prepared."""
    if password.isascii():
        return password.encode()
    mapped = "".join(
        " " if stringprep.in_table_c12(letter) else letter for letter in password if not stringprep.in_table_b1(letter)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    refused = not normal or any(table(letter) for letter in normal for table in _PROHIBITED) or not _one_way(normal)
    return (password if refused else normal).encode("utf-8", "surrogateescape")


def _one_way(text: str) -> bool:
    """RFC 3454 §6: text that is written from right to left begins and ends so, and holds nothing else."""
    if not any(stringprep.in_table_d1(letter) for letter in text):
        return True
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return ends and not any(stringprep.in_table_d2(letter) for letter in text)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LoginKeys:
    """What a client proves itself with: made of a password for one salt and count, or taken from such a client.

    `client_key` is worth the password at the server it was made for. Never shown: it has no repr.
    """

    client_key: bytes
    server_key: bytes


def keys_of(password: str, salt: bytes, rounds: int) -> LoginKeys:
    """Keys of a password for a server's salt and count of rounds."""
    salted = hashlib.pbkdf2_hmac("sha256", prepared(password), salt, rounds)
    return LoginKeys(
        client_key=hmac.digest(salted, b"Client Key", "sha256"), server_key=hmac.digest(salted, b"Server Key", "sha256")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFirst:
    """A server's first message, read."""

    nonce: str
    salt: bytes = field(repr=False)
    rounds: int


def server_first(message: bytes) -> ServerFirst:
    """Read a server-first message.

    Raises:
        PeerError: it is no such message.
    """
    if len(message) > MAX_SCRAM_BYTES:
        raise PeerError("a SCRAM message that is too long")
    try:
        pairs = [part.split("=", 1) for part in message.decode("ascii").split(",")]
        (_, nonce), (_, salt), (_, rounds), *_ = pairs
        if [pair[0] for pair in pairs[:3]] != ["r", "s", "i"] or not rounds.isdigit():
            raise PeerError("a SCRAM message that cannot be read")
        found = ServerFirst(nonce=nonce, salt=base64.b64decode(salt, validate=True), rounds=int(rounds))
    except ValueError as error:
        raise PeerError("a SCRAM message that cannot be read") from error
    if not 0 < found.rounds <= MAX_ITERATIONS:
        raise PeerError("a SCRAM message with a wrong nonce or count")
    return found


class ScramClient:
    """One SCRAM exchange. `header` and `binding` say what channel it is bound to (NO_BINDING and b"" for none)."""

    def __init__(self, password: str, nonce: str, *, header: str = NO_BINDING, binding: bytes = b"") -> None:
        self._password = password
        self._nonce = nonce
        self._header = header
        self._binding = binding
        self._bare = f"n=*,r={nonce}"  # the server takes the name of the start-up message
        self._server_signature = b""

    def first(self) -> bytes:
        """The client-first message."""
        return (self._header + self._bare).encode()

    def final(self, message: bytes, keys: LoginKeys | None = None) -> bytes:
        """The client-final message; `keys` those of this server's salt and count, else they are made here.

        Raises:
            PeerError: the server's message is not SCRAM, or its nonce does not extend ours.
        """
        said = server_first(message)
        if not said.nonce.startswith(self._nonce) or said.nonce == self._nonce:
            raise PeerError("a SCRAM message with a wrong nonce or count")
        if keys is None:
            keys = keys_of(self._password, said.salt, said.rounds)
        bound = base64.b64encode(self._header.encode() + self._binding).decode()
        without_proof = f"c={bound},r={said.nonce}"
        told = f"{self._bare},{message.decode()},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(keys.client_key).digest(), told, "sha256")
        proof = bytes(a ^ b for a, b in zip(keys.client_key, signature, strict=True))
        self._server_signature = hmac.digest(keys.server_key, told, "sha256")
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> None:
        """Check that the server knows the password too.

        Raises:
            PeerError: it does not.
        """
        expected = b"v=" + base64.b64encode(self._server_signature)
        if not self._server_signature or not hmac.compare_digest(server_final, expected):
            raise PeerError("the server's SCRAM signature is wrong")
