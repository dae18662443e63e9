"""Client side of password authentication: SCRAM-SHA-256 (RFC 5802, RFC 7677) and PostgreSQL's md5.

Called by the relay's side connection only: the agents' authentication is relayed, never read. Pure: the nonce is an
argument. Must never put a password into an error.
"""

import base64
import hashlib
import hmac

from quivive.wire.framing import PeerError

MECHANISM = "SCRAM-SHA-256"
MAX_ITERATIONS = 10_000_000
"""Rounds a server may ask for; above, it would only burn our time."""


def md5_response(user: str, password: str, salt: bytes) -> bytes:
    """Answer of AuthenticationMD5Password (PostgreSQL manual 55.2.1)."""
    inner = hashlib.md5(password.encode() + user.encode(), usedforsecurity=False).hexdigest()
    return b"md5" + hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest().encode()


class ScramClient:
    """One SCRAM exchange without channel binding."""

    def __init__(self, password: str, nonce: str) -> None:
        self._password = password.encode()
        self._nonce = nonce
        self._bare = f"n=side,r={nonce}"  # the server takes the name of the start-up message
        self._server_signature = b""

    def first(self) -> bytes:
        """The client-first message."""
        return b"n,," + self._bare.encode()

    def final(self, server_first: bytes) -> bytes:
        """The client-final message.

        Raises:
            PeerError: the server's message is not SCRAM, or its nonce does not extend ours.
        """
        try:
            fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
            nonce, salt, rounds = fields["r"], base64.b64decode(fields["s"]), int(fields["i"])
        except (ValueError, KeyError) as error:
            raise PeerError("a SCRAM message that cannot be read") from error
        if not nonce.startswith(self._nonce) or not 0 < rounds <= MAX_ITERATIONS:
            raise PeerError("a SCRAM message with a wrong nonce or count")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        stored = hashlib.sha256(client_key).digest()
        without_proof = f"c=biws,r={nonce}"
        message = f"{self._bare},{server_first.decode()},{without_proof}".encode()
        signature = hmac.digest(stored, message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._server_signature = hmac.digest(server_key, message, "sha256")
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> None:
        """Check that the server knows the password too.

        Raises:
            PeerError: it does not.
        """
        expected = b"v=" + base64.b64encode(self._server_signature)
        if not hmac.compare_digest(server_final, expected):
            raise PeerError("the server's SCRAM signature is wrong")
