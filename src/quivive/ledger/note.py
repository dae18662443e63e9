"""Signed notes (https://c2sp.org/signed-note) with Ed25519 lines, judged as Go's `note.Open` judges them.

Called by publication and `verify`. Pure; the only signature library of verification is `cryptography`.
"""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from quivive.model.errors import QuiviveError

MAX_NOTE_BYTES: Final = 1_000_000
MAX_SIGNATURES: Final = 100
"""Both as in Go's sumdb/note, so that neither side accepts what the other refuses."""
_ED25519: Final = b"\x01"
_KEY_HASH_BYTES: Final = 4
_SIGNATURE_START: Final = "\u2014 "
_FIRST_PRINTABLE: Final = 0x20


class NoteError(QuiviveError):
    """Not a signed note, or not signed by a key we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key under its name."""

    name: str
    public: bytes

    @property
    def hash(self) -> bytes:
        """The four bytes that announce the key in a signature line."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_KEY_HASH_BYTES]

    @property
    def text(self) -> str:
        """Encode as `name+hash+key`."""
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


def verifier_key(name: str, signing: Ed25519PrivateKey) -> VerifierKey:
    """Public half of a signing key."""
    return VerifierKey(name=name, public=signing.public_key().public_bytes_raw())


def parse_verifier_key(text: str) -> VerifierKey:
    """Read `name+hash+key`.

    Raises:
        NoteError: not such a text, or its hash is not that of its key.
    """
    name, _, rest = text.partition("+")
    announced, _, encoded = rest.partition("+")
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise NoteError("not a verifier key") from error
    if not _valid_name(name) or len(data) != 33 or data[:1] != _ED25519:
        raise NoteError("not a verifier key")
    key = VerifierKey(name=name, public=data[1:])
    if key.text != text or key.hash.hex() != announced:
        raise NoteError("the verifier key does not match its own hash")
    return key


def sign_note(text: str, name: str, signing: Ed25519PrivateKey) -> str:
    """Sign a text that ends in a newline."""
    assert text.endswith("\n")
    assert _valid_name(name)
    signature = verifier_key(name, signing).hash + signing.sign(text.encode())
    return f"{text}\n{_SIGNATURE_START}{name} {base64.b64encode(signature).decode()}\n"


def open_note(data: bytes, *known: VerifierKey) -> str:
    """Return the text of a note that at least one known key has signed.

    Raises:
        NoteError: malformed, wrongly signed by a known key, or signed by none.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise NoteError("the note is too large")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError("the note is not UTF-8") from error
    if any(character < chr(_FIRST_PRINTABLE) and character != "\n" for character in whole):
        raise NoteError("the note holds control characters")
    text, separator, signatures = whole.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise NoteError("the note has no signature block")
    text += "\n"
    lines = signatures.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError("the note has too many signatures")
    verified: set[tuple[str, bytes]] = set()
    for line in lines:
        _check_line(line, text, known, verified)
    if not verified:
        raise NoteError("no known key has signed the note")
    return text


def _check_line(line: str, text: str, known: tuple[VerifierKey, ...], verified: set[tuple[str, bytes]]) -> None:
    if not line.startswith(_SIGNATURE_START):
        raise NoteError("a signature line is malformed")
    name, _, encoded = line.removeprefix(_SIGNATURE_START).partition(" ")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("a signature line is malformed") from error
    if not _valid_name(name) or len(signature) <= _KEY_HASH_BYTES or base64.b64encode(signature).decode() != encoded:
        raise NoteError("a signature line is malformed")
    announced = signature[:_KEY_HASH_BYTES]
    for key in known:
        if (key.name, key.hash) != (name, announced):
            continue
        if (name, announced) in verified:
            return  # Go ignores a second line of the same key
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature[_KEY_HASH_BYTES:], text.encode())
        except InvalidSignature as error:
            raise NoteError("the signature is wrong") from error
        verified.add((name, announced))


def _valid_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)
