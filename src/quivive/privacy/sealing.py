"""Authenticated encryption of small secrets: one key under another, one value under a key (DESIGN §3, ADR 0002).

Called by the keyring and the vault. Pure: the nonce comes as an argument. Must never be called twice with the
same key and nonce, and never put a secret into an error.

Sealed = nonce (12 bytes) ‖ AES-256-GCM ciphertext and tag. The purpose is authenticated with it, so that a
value sealed for one place does not open in another.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from quivive.model.errors import QuiviveError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_PREFIX: Final = b"quivive-seal/v1\x1f"


class SealError(QuiviveError):
    """A sealed value does not open: wrong key, wrong purpose, or altered bytes."""


def seal(key: bytes, *, purpose: str, plaintext: bytes, nonce: bytes) -> bytes:
    """Seal `plaintext` for one purpose. `nonce` is 12 fresh random bytes."""
    assert len(key) == KEY_BYTES
    assert len(nonce) == NONCE_BYTES
    return nonce + AESGCM(key).encrypt(nonce, plaintext, _PREFIX + purpose.encode())


def unseal(key: bytes, *, purpose: str, sealed: bytes) -> bytes:
    """Open what `seal` made for the same purpose.

    Raises:
        SealError: wrong key, wrong purpose or altered bytes.
    """
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _PREFIX + purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise SealError(f"sealed value for {purpose!r} does not open: wrong key or altered bytes") from error
