"""Signature lines: an Ed25519 key writes the log's two lines or a witness's cosignature (C2SP signed-note).

Called by publication and by the witness; `note` checks what is written here. Pure but for the private key held.

The ML-DSA-44 key of a log is derived from the seed of its Ed25519 key: one secret to keep, to wrap and to destroy.
Whoever breaks Ed25519 learns the scalar, not the seed, so the second line stands when the first one falls.
"""

import base64
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from quivive.ledger.note import KeyType, VerifierKey, parse_verifier_key, signed_message

_SEED_INFO: Final = b"quivive-mldsa44/v1"
_SEED_BYTES: Final = 32
_TIME_BYTES: Final = 8


def mldsa_signing_key(signing: Ed25519PrivateKey) -> MLDSA44PrivateKey:
    """The second key of a log, from the seed of the first."""
    derive = HKDF(algorithm=hashes.SHA256(), length=_SEED_BYTES, salt=None, info=_SEED_INFO)
    return MLDSA44PrivateKey.from_seed_bytes(derive.derive(signing.private_bytes_raw()))


def verifier_key(name: str, signing: Ed25519PrivateKey) -> VerifierKey:
    """Public half of an Ed25519 signing key."""
    return VerifierKey(name=name, public=signing.public_key().public_bytes_raw())


def mldsa_verifier_key(name: str, signing: Ed25519PrivateKey) -> VerifierKey:
    """Public half of the second key."""
    public = mldsa_signing_key(signing).public_key().public_bytes_raw()
    return VerifierKey(name=name, public=public, type=KeyType.MLDSA44)


def verifier_keys(name: str, signing: Ed25519PrivateKey) -> tuple[VerifierKey, VerifierKey]:
    """Both public keys of a log, Ed25519 first."""
    return verifier_key(name, signing), mldsa_verifier_key(name, signing)


def cosigner_key(name: str, signing: Ed25519PrivateKey) -> VerifierKey:
    """Public key of a witness."""
    return VerifierKey(name=name, public=signing.public_key().public_bytes_raw(), type=KeyType.COSIGNATURE)


def sign_note(text: str, name: str, signing: Ed25519PrivateKey) -> str:
    """Sign a text that ends in a newline with the Ed25519 line alone."""
    assert text.endswith("\n")
    key = verifier_key(name, signing)
    return f"{text}\n{_line(key, signing.sign(text.encode()))}"


def sign_checkpoint(text: str, name: str, signing: Ed25519PrivateKey) -> str:
    """Sign a checkpoint with both lines of a log. The second states no time: a log does not vouch for the clock."""
    key = mldsa_verifier_key(name, signing)
    signature = mldsa_signing_key(signing).sign(signed_message(key, text, 0))
    return sign_note(text, name, signing) + _line(key, bytes(_TIME_BYTES) + signature)


def cosigner_keys(name: str, signing: Ed25519PrivateKey) -> tuple[VerifierKey, VerifierKey]:
    """Both public keys of a witness, Ed25519 first."""
    return cosigner_key(name, signing), mldsa_verifier_key(name, signing)


def cosign(text: str, name: str, signing: Ed25519PrivateKey, time: int) -> str:
    """A witness's two lines over a checkpoint, seen at `time` (seconds)."""
    ed25519, mldsa = cosigner_keys(name, signing)
    moment = time.to_bytes(_TIME_BYTES)
    first = signing.sign(signed_message(ed25519, text, time))
    second = mldsa_signing_key(signing).sign(signed_message(mldsa, text, time))
    return _line(ed25519, moment + first) + _line(mldsa, moment + second)


def _line(key: VerifierKey, signature: bytes) -> str:
    assert parse_verifier_key(key.text) == key
    return f"\u2014 {key.name} {base64.b64encode(key.hash + signature).decode()}\n"
