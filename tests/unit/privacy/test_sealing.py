"""Sealing: opens for its purpose only."""

import pytest

from quivive.privacy.sealing import SealError, seal, unseal

KEY, NONCE = b"k" * 32, b"n" * 12


def test_a_sealed_value_opens_for_its_purpose_only():
    """Key and purpose must both be right, and no bit may change."""
    sealed = seal(KEY, purpose="a", plaintext=b"secret", nonce=NONCE)
    assert unseal(KEY, purpose="a", sealed=sealed) == b"secret"
    for key, purpose, data in (
        (b"x" * 32, "a", sealed),
        (KEY, "b", sealed),
        (KEY, "a", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (KEY, "a", b""),
    ):
        with pytest.raises(SealError):
            unseal(key, purpose=purpose, sealed=data)
