"""Signature lines of a log and of a witness: what the two formats of C2SP say, and no other text, key or time."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.ledger.note import KeyType, NoteError, open_signed, parse_verifier_key
from quivive.ledger.signing import cosign, cosigner_key, mldsa_verifier_key, sign_checkpoint, verifier_keys

SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
NAME = "quivive.example/log"
TEXT = f"{NAME}\n5\n{base64.b64encode(bytes(32)).decode()}\n"
AT = 1_795_000_000


def test_a_checkpoint_carries_both_lines_of_its_log():
    """Ed25519 first, ML-DSA-44 second, each verified by its key alone, neither stating a time."""
    note = sign_checkpoint(TEXT, NAME, SIGNING).encode()
    keys = verifier_keys(NAME, SIGNING)
    assert open_signed(note, *keys) == (TEXT, dict.fromkeys(keys, 0))
    for key in keys:
        assert open_signed(note, parse_verifier_key(key.text)) == (TEXT, {key: 0})
    assert [key.type for key in keys] == [KeyType.ED25519, KeyType.MLDSA44]


def test_a_wrong_second_line_refuses_the_note():
    """A known key that did not sign this refuses everything, whichever line it is."""
    note = sign_checkpoint(TEXT, NAME, SIGNING)
    other = sign_checkpoint(TEXT.replace("\n5\n", "\n6\n"), NAME, SIGNING)
    mixed = "\n".join([*note.split("\n")[:-2], other.split("\n")[-2], ""])
    with pytest.raises(NoteError, match="wrong"):
        open_signed(mixed.encode(), *verifier_keys(NAME, SIGNING))


def test_a_cosignature_states_when_it_was_given():
    """The time comes back; another time, text or witness is refused."""
    line, second, _ = cosign(TEXT, "witness.example/w", OTHER, AT).split("\n")
    line += "\n"
    later_key = mldsa_verifier_key("witness.example/w", OTHER)
    both = sign_checkpoint(TEXT, NAME, SIGNING) + line + second + "\n"
    assert open_signed(both.encode(), later_key) == (TEXT, {later_key: AT})
    note = sign_checkpoint(TEXT, NAME, SIGNING) + line
    key = cosigner_key("witness.example/w", OTHER)
    assert open_signed(note.encode(), key) == (TEXT, {key: AT})
    name, _, encoded = line.removeprefix("\u2014 ").strip().partition(" ")
    data = bytearray(base64.b64decode(encoded))
    data[11] ^= 1
    later = note.replace(line, f"\u2014 {name} {base64.b64encode(data).decode()}\n")
    for forged in (later, note.replace("\n5\n", "\n6\n")):
        with pytest.raises(NoteError, match="wrong"):
            open_signed(forged.encode(), key)
    with pytest.raises(NoteError, match="no known key"):
        open_signed(note.encode(), cosigner_key("witness.example/other", OTHER))


def test_the_published_cosignature_example_is_read():
    """The Ed25519 cosignature key form of C2SP tlog-cosignature: type 4, 32 bytes."""
    key = cosigner_key("witness.example.com/w1", OTHER)
    assert parse_verifier_key(key.text).type is KeyType.COSIGNATURE
    assert len(mldsa_verifier_key(NAME, SIGNING).public) == 1_312
