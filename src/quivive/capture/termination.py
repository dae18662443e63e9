"""Authentication that ends in the relay (mode c of docs/modes.md): the client proves itself to us, we to the server.

Used by `arrival` for a source with `authentication = "terminate"`, where channel binding or two certificates keep a
proof from passing through. Pure but for the nonces it is handed. Must never let a client in that the server has not
let in, pass a message of one exchange on to the other, or put a secret into an error.

Order: server asks → client proves itself to the relay → relay proves itself to the server → server says yes → client
hears yes. So the client hears the server's own refusals (no such database, too many connections) as without a relay.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Final, NamedTuple

from quivive.capture.logins import Login, LoginsFile
from quivive.model.errors import QuiviveError
from quivive.wire.framing import HEADER_BYTES, PeerError
from quivive.wire.postgres import messages, scram
from quivive.wire.postgres.scram import ScramClient
from quivive.wire.postgres.scram_server import ProofError, ScramServer, mock_verifier

OK, SASL, SASL_CONTINUE, SASL_FINAL = 0, 10, 11, 12
_AUTHENTICATION: Final = ord("R")
_BEFORE: Final = frozenset(b"EvN")
"""What a server may say before it asks for a proof: errors, another protocol version, notices."""


class RefusalError(QuiviveError):
    """The client is refused; `state` is the SQLSTATE it hears, the text is for it too."""

    def __init__(self, state: str, message: str) -> None:
        self.state = state
        super().__init__(message)


class Passed(NamedTuple):
    """What goes to each side now."""

    to_client: bytes = b""
    to_server: bytes = b""


class Stage(IntEnum):
    ASKED = 0  # nobody has, yet
    CLIENT_FIRST = 1
    CLIENT_FINAL = 2
    SERVER_FIRST = 3
    SERVER_FINAL = 4
    VERIFIED = 5
    DONE = 6


class Termination:
    """Both exchanges of one connection.

    `front` and `behind` are what each leg can be bound to (hash of our certificate, of the server's), b"" in clear.
    """

    def __init__(
        self,
        *,
        logins: LoginsFile,
        name: str,
        mock: bytes,
        front: bytes,
        behind: bytes,
        nonce: Callable[[], str],
    ) -> None:
        self._logins = logins
        self._name = name
        self._front = front
        self._behind = behind
        self._nonce = nonce
        self._login: Login | None = logins.current.get(name)
        verifier = self._login.verifier if self._login is not None else mock_verifier(mock, name)
        self._server = ScramServer(verifier, nonce(), binding=front)
        self._client: ScramClient | None = None
        self._offered: frozenset[bytes] = frozenset()
        self._final = b""
        self._stage = Stage.ASKED

    @property
    def done(self) -> bool:
        """Both have proved themselves."""
        return self._stage is Stage.DONE

    def from_server(self, message: bytes) -> Passed:
        """Take one message of the server.

        Raises:
            RefusalError: the session cannot be.
        """
        if self.done:
            return Passed(to_client=message)
        if message[0] != _AUTHENTICATION:
            if message[0] not in _BEFORE:
                raise RefusalError("08P01", "Quivive relay: the server answers before it has asked for a proof.")
            return Passed(to_client=message)
        method, body = int.from_bytes(message[HEADER_BYTES : HEADER_BYTES + 4], "big"), message[HEADER_BYTES + 4 :]
        try:
            return self._authentication(method, body, message)
        except PeerError:
            raise RefusalError(
                "08P01", "Quivive relay: the server's proof is wrong; it does not know this login's secret."
            ) from None

    def _authentication(self, method: int, body: bytes, message: bytes) -> Passed:
        stage = self._stage
        if method == SASL and stage is Stage.ASKED:
            self._offered = frozenset(body.split(b"\x00"))
            self._stage = Stage.CLIENT_FIRST
            return Passed(to_client=messages.frame(b"R", SASL.to_bytes(4, "big") + self._mechanisms()))
        if method == SASL_CONTINUE and stage is Stage.SERVER_FIRST:
            self._stage = Stage.SERVER_FINAL
            return Passed(to_server=messages.frame(b"p", self._proof(body)))
        if method == SASL_FINAL and stage is Stage.SERVER_FINAL:
            assert self._client is not None
            self._client.verify(body)
            self._stage = Stage.VERIFIED
            return Passed()
        if method == OK and stage is Stage.VERIFIED:
            self._stage = Stage.DONE
            final = messages.frame(b"R", SASL_FINAL.to_bytes(4, "big") + self._final)
            return Passed(to_client=final + message)
        raise RefusalError(
            "28000",
            "Quivive relay: authentication ends in the relay, which needs SCRAM-SHA-256 at the server; it asks"
            " for another method.",
        )

    def _mechanisms(self) -> bytes:
        plus = scram.MECHANISM_PLUS.encode() + b"\x00" if self._front else b""
        return plus + scram.MECHANISM.encode() + b"\x00\x00"

    def from_client(self, body: bytes) -> Passed:
        """Take the body of one password message.

        Raises:
            RefusalError: it proves nothing.
        """
        try:
            if self._stage is Stage.CLIENT_FIRST:
                return self._client_first(body)
            if self._stage is Stage.CLIENT_FINAL:
                return self._client_final(body)
        except ProofError:
            raise RefusalError("28P01", f'password authentication failed for user "{self._name}"') from None
        except PeerError as error:
            raise RefusalError("08P01", f"Quivive relay: {error}.") from None
        raise RefusalError("08P01", "Quivive relay: a password message that nobody asked for.")

    def _client_first(self, body: bytes) -> Passed:
        end = messages.cstring_end(body, 0, len(body))
        mechanism, size, first = body[:end].decode("ascii", "replace"), body[end + 1 : end + 5], body[end + 5 :]
        known = mechanism == scram.MECHANISM or (mechanism == scram.MECHANISM_PLUS and bool(self._front))
        if not known or int.from_bytes(size, "big") != len(first):
            raise PeerError("a SCRAM mechanism that was not offered")
        answer = self._server.first(first, plus=mechanism == scram.MECHANISM_PLUS)
        self._stage = Stage.CLIENT_FINAL
        return Passed(to_client=messages.frame(b"R", SASL_CONTINUE.to_bytes(4, "big") + answer))

    def _client_final(self, body: bytes) -> Passed:
        self._final = self._server.final(body)
        login = self._login
        if login is None:  # the proof of an unknown name is always wrong
            raise ProofError("a SCRAM proof that is wrong")
        plus = bool(self._behind) and scram.MECHANISM_PLUS.encode() in self._offered
        if not plus and scram.MECHANISM.encode() not in self._offered:
            raise PeerError("a server without SCRAM-SHA-256")
        header = scram.BOUND if plus else scram.NOT_OFFERED if self._behind else scram.NO_BINDING
        binding = self._behind if plus else b""
        self._client = ScramClient(login.password, self._nonce(), header=header, binding=binding)
        first = self._client.first()
        mechanism = (scram.MECHANISM_PLUS if plus else scram.MECHANISM).encode()
        self._stage = Stage.SERVER_FIRST
        return Passed(to_server=messages.frame(b"p", mechanism + b"\x00" + len(first).to_bytes(4, "big") + first))

    def _proof(self, said: bytes) -> bytes:
        """What the relay proves to the server: by keys, by the password, or by what the client has just proved."""
        assert self._client is not None
        login = self._login
        assert login is not None
        first = scram.server_first(said)
        keys = login.keys
        if login.password:
            keys = self._logins.keys(self._name, login, first.salt, first.rounds)
        elif keys is None:
            verifier, keys = login.verifier, self._server.keys
            if keys is None or (first.salt, first.rounds) != (verifier.salt, verifier.rounds):
                raise RefusalError(
                    "28P01",
                    "Quivive relay: the verifier that the relay holds is not the server's present one; copy"
                    " pg_authid.rolpassword again.",
                )
        return self._client.final(said, keys)
