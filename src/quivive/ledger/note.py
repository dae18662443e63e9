"""Signed notes (https://c2sp.org/signed-note) and cosignatures (https://c2sp.org/tlog-cosignature), checked.

Called by publication, witnesses and `verify`. Pure; the only signature library of verification is `cryptography`.
Three kinds of line: Ed25519 (the log's own, judged as Go's `note.Open` judges it), ML-DSA-44 (the log's second
line, and newer witnesses), and Ed25519 cosignatures with a time (witnesses). Signing is in `signing`.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from quivive.model.errors import QuiviveError

MAX_NOTE_BYTES: Final = 1_000_000
MAX_SIGNATURES: Final = 100
"""Both as in Go's sumdb/note, so that neither side accepts what the other refuses."""
_KEY_HASH_BYTES: Final = 4
_TIME: Final = struct.Struct(">Q")
_SIGNATURE_START: Final = "\u2014 "


class KeyType(IntEnum):
    """Signature type byte of C2SP signed-note."""

    ED25519 = 1
    COSIGNATURE = 4
    MLDSA44 = 6


_KEY_BYTES: Final = {KeyType.ED25519: 32, KeyType.COSIGNATURE: 32, KeyType.MLDSA44: 1_312}


class NoteError(QuiviveError):
    """Not a signed note, or not signed by a key we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key under its name."""

    name: str
    public: bytes
    type: KeyType = KeyType.ED25519

    @property
    def hash(self) -> bytes:
        """The four bytes that announce the key in a signature line."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:_KEY_HASH_BYTES]

    @property
    def text(self) -> str:
        """Encode as `name+hash+key`."""
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(bytes([self.type]) + self.public).decode()}"

    def check(self, text: str, signature: bytes) -> int:
        """Check one signature over a note's text; return the time it states, in seconds, 0 when it states none.

        Raises:
            NoteError: it is wrong.
        """
        try:
            if self.type is KeyType.ED25519:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
                return 0
            time = int(_TIME.unpack_from(signature)[0])
            message = signed_message(self, text, time)
            if self.type is KeyType.COSIGNATURE:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature[_TIME.size :], message)
            else:
                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature[_TIME.size :], message)
        except (InvalidSignature, struct.error, ValueError) as error:
            raise NoteError("the signature is wrong") from error
        return time


def signed_message(key: VerifierKey, text: str, time: int) -> bytes:
    """What a cosignature of `key` over a checkpoint covers.

    Raises:
        ValueError: the text is no checkpoint, or a name is too long.
    """
    if key.type is KeyType.COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    origin, size, root = text.split("\n")[:3]
    names = [name.encode() for name in (key.name, origin)]
    hashed = base64.b64decode(root, validate=True)
    if not size.isdecimal() or int(size) >= 1 << 64 or len(hashed) != 32 or any(not 0 < len(n) < 256 for n in names):
        raise ValueError("not a checkpoint")
    cosigner, log = (bytes([len(name)]) + name for name in names)
    return b"subtree/v1\n\0" + cosigner + _TIME.pack(time) + log + struct.pack(">QQ", 0, int(size)) + hashed


def parse_verifier_key(text: str) -> VerifierKey:
    """Read `name+hash+key`.

    Raises:
        NoteError: not such a text, or its hash is not that of its key.
    """
    name, _, rest = text.partition("+")
    announced, _, encoded = rest.partition("+")
    try:
        data = base64.b64decode(encoded, validate=True)
        key = VerifierKey(name=name, public=data[1:], type=KeyType(data[0]))
    except (ValueError, IndexError) as error:
        raise NoteError("not a verifier key") from error
    if not _valid_name(name) or len(key.public) != _KEY_BYTES[key.type]:
        raise NoteError("not a verifier key")
    if key.text != text or key.hash.hex() != announced:
        raise NoteError("the verifier key does not match its own hash")
    return key


def open_note(data: bytes, *known: VerifierKey, exact: bool = True) -> str:
    """Return the text of a note that at least one known key has signed; see `open_signed`."""
    return open_signed(data, *known, exact=exact)[0]


def open_signed(data: bytes, *known: VerifierKey, exact: bool = True) -> tuple[str, dict[VerifierKey, int]]:
    """Return the text of a note and the known keys that signed it, each with the time it states.

    `exact` refuses a second spelling of the same signature, which Go's decoder lets pass.

    Raises:
        NoteError: malformed, wrongly signed by a known key, or signed by none.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise NoteError("the note is too large")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError("the note is not UTF-8") from error
    if any(character < " " and character != "\n" for character in whole):
        raise NoteError("the note holds control characters")
    text, separator, signatures = whole.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise NoteError("the note has no signature block")
    text += "\n"
    lines = signatures.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError("the note has too many signatures")
    verified: dict[VerifierKey, int] = {}
    for line in lines:
        name, signature = _read_line(line, exact=exact)
        for key in known:
            if (key.name, key.hash) == (name, signature[:_KEY_HASH_BYTES]) and key not in verified:
                verified[key] = key.check(text, signature[_KEY_HASH_BYTES:])
    if not verified:
        raise NoteError("no known key has signed the note")
    return text, verified


def _read_line(line: str, *, exact: bool) -> tuple[str, bytes]:
    """Name and signature (key hash first) of one line."""
    name, _, encoded = line.removeprefix(_SIGNATURE_START).partition(" ")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("a signature line is malformed") from error
    respelled = exact and base64.b64encode(signature).decode() != encoded
    short = len(signature) <= _KEY_HASH_BYTES or len(encoded) % 4  # Python lets an excess "=" pass
    if not line.startswith(_SIGNATURE_START) or not _valid_name(name) or short or respelled:
        raise NoteError("a signature line is malformed")
    return name, signature


def _valid_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)
