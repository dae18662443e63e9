"""Server side of SCRAM-SHA-256 and -PLUS (RFC 5802, RFC 7677), and PostgreSQL's verifiers.

Called by `capture.termination` alone, for a source that authenticates in the relay. Pure: the nonce is an argument.
Must never put a secret into an error, nor tell a wrong password from an unknown name.
Not `scramp`: it refuses the empty name that every libpq client sends (ADR 0010); it is the peer of our tests instead.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from quivive.wire.framing import PeerError
from quivive.wire.postgres.scram import (
    BOUND,
    MAX_ITERATIONS,
    MAX_SCRAM_BYTES,
    NO_BINDING,
    NOT_OFFERED,
    LoginKeys,
    keys_of,
)

ROUNDS: Final = 4_096  # PostgreSQL's own count (scram_iterations)
SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32
_VERIFIER: Final = re.compile(r"SCRAM-SHA-256\$([1-9]\d{0,8}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")
_NONCE: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,512}")


class ProofError(PeerError):
    """The client could not prove that it knows the password, or its name is unknown: the caller says neither."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verifier:
    """What checks a proof and cannot make one; `pg_authid.rolpassword` holds its text form. Never shown: no repr."""

    rounds: int
    salt: bytes
    stored_key: bytes
    server_key: bytes


def verifier_of(password: str, salt: bytes, rounds: int = ROUNDS) -> Verifier:
    """Verifier of a password."""
    keys = keys_of(password, salt, rounds)
    stored = hashlib.sha256(keys.client_key).digest()
    return Verifier(rounds=rounds, salt=salt, stored_key=stored, server_key=keys.server_key)


def mock_verifier(secret: bytes, login: str) -> Verifier:
    """Verifier that no password fits, the same for the same name: an unknown name is answered as a known one is."""
    salt = hmac.digest(secret, b"salt\x00" + login.encode("utf-8", "surrogateescape"), "sha256")[:SALT_BYTES]
    return Verifier(rounds=ROUNDS, salt=salt, stored_key=b"\x00" * _KEY_BYTES, server_key=b"\x00" * _KEY_BYTES)


def read_verifier(text: str) -> Verifier | None:
    """Read `SCRAM-SHA-256$rounds:salt$stored key:server key`; None for any other text."""
    found = _VERIFIER.fullmatch(text.strip())
    if found is None or int(found[1]) > MAX_ITERATIONS:
        return None
    try:
        salt, stored, server = (base64.b64decode(part, validate=True) for part in found.groups()[1:])
    except ValueError:
        return None
    if not salt or len(stored) != _KEY_BYTES or len(server) != _KEY_BYTES:
        return None
    return Verifier(rounds=int(found[1]), salt=salt, stored_key=stored, server_key=server)


class ScramServer:
    """One exchange with a client. `binding` is what its channel can be bound to, b"" in clear."""

    def __init__(self, verifier: Verifier, nonce: str, *, binding: bytes = b"") -> None:
        self._verifier = verifier
        self._nonce = nonce
        self._binding = binding
        self._header = ""
        self._bare = ""
        self._said = ""
        self.keys: LoginKeys | None = None
        """The client's own, once it has proved itself: good for any server that has the same verifier."""

    def first(self, message: bytes, *, plus: bool) -> bytes:
        """Take the client-first message of the mechanism chosen (`plus`), give the server-first one.

        Raises:
            PeerError: it is no such message, or its channel binding is not what was agreed on.
        """
        text = _text(message)
        flag, _, rest = text.partition(",")
        identity, _, bare = rest.partition(",")
        header = f"{flag},{identity},"
        self._agree(header, plus=plus)
        fields = bare.split(",")
        if len(fields) < 2 or not fields[0].startswith("n=") or not fields[1].startswith("r="):
            raise PeerError("a SCRAM message that cannot be read")  # `m=`, a mandatory extension, too
        theirs = fields[1][2:]
        if not _NONCE.fullmatch(theirs):
            raise PeerError("a SCRAM message with a wrong nonce or count")
        self._header, self._bare, self._nonce = header, bare, theirs + self._nonce
        verifier = self._verifier
        self._said = f"r={self._nonce},s={base64.b64encode(verifier.salt).decode()},i={verifier.rounds}"
        return self._said.encode()

    def _agree(self, header: str, *, plus: bool) -> None:
        if plus != (header == BOUND) or (plus and not self._binding):
            raise PeerError("a SCRAM channel binding that was not agreed on")
        if header == NOT_OFFERED and self._binding:
            raise PeerError("a SCRAM client to which the binding we offer was not shown")
        if header not in (BOUND, NO_BINDING, NOT_OFFERED):
            raise PeerError("a SCRAM message that cannot be read")

    def final(self, message: bytes) -> bytes:
        """Take the client-final message, give the server-final one.

        Raises:
            ProofError: the proof is wrong.
            PeerError: it is no such message, or bound to another channel.
        """
        without_proof, found, encoded = _text(message).rpartition(",p=")
        fields = without_proof.split(",")
        if not found or not self._said or len(fields) < 2:
            raise PeerError("a SCRAM message that cannot be read")
        bound = base64.b64encode(self._header.encode() + (self._binding if self._header == BOUND else b"")).decode()
        if not hmac.compare_digest(fields[0], f"c={bound}"):
            raise PeerError("a SCRAM proof that is bound to another channel")
        if fields[1] != f"r={self._nonce}":
            raise PeerError("a SCRAM message with a wrong nonce or count")
        try:
            proof = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise PeerError("a SCRAM message that cannot be read") from error
        if len(proof) != _KEY_BYTES:
            raise PeerError("a SCRAM message that cannot be read")
        told = f"{self._bare},{self._said},{without_proof}".encode()
        signature = hmac.digest(self._verifier.stored_key, told, "sha256")
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        if not hmac.compare_digest(hashlib.sha256(client_key).digest(), self._verifier.stored_key):
            raise ProofError("a SCRAM proof that is wrong")
        self.keys = LoginKeys(client_key=client_key, server_key=self._verifier.server_key)
        return b"v=" + base64.b64encode(hmac.digest(self._verifier.server_key, told, "sha256"))


def _text(message: bytes) -> str:
    if len(message) > MAX_SCRAM_BYTES:
        raise PeerError("a SCRAM message that is too long")
    try:
        return message.decode()  # names may be anything, and are not read
    except UnicodeDecodeError as error:
        raise PeerError("a SCRAM message that cannot be read") from error
