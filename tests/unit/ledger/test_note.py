"""Signed notes: what a known key signed, and nothing else."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.ledger.note import NoteError, open_note, parse_verifier_key
from quivive.ledger.signing import sign_note, verifier_key

SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEY = verifier_key("quivive.example/log", SIGNING)
TEXT = "quivive.example/log\n5\nabc\n"


def test_a_note_opens_with_its_key():
    """Round trip, with the key through its text form."""
    note = sign_note(TEXT, KEY.name, SIGNING).encode()
    assert open_note(note, parse_verifier_key(KEY.text)) == TEXT


def test_the_published_example_verifies():
    """The note and key printed in Go's sumdb/note documentation are accepted."""
    key = parse_verifier_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    assert open_note((text + "\n" + line).encode(), key) == text


def test_every_flipped_bit_is_refused():
    """No bit of a signed note can change, the encoding of the signature included."""
    note = sign_note(TEXT, KEY.name, SIGNING).encode()
    for bit in range(len(note) * 8):
        altered = bytearray(note)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoteError):
            open_note(bytes(altered), KEY)


def test_unknown_signatures_are_ignored_and_wrong_ones_are_not():
    """A second signer does not disturb; a forged line of a known key does."""
    note = sign_note(TEXT, KEY.name, SIGNING)
    theirs = sign_note(TEXT, "witness", OTHER).rpartition("\n\n")[2]
    assert open_note((note + theirs).encode(), KEY) == TEXT
    assert open_note((note + note.rpartition("\n\n")[2]).encode(), KEY) == TEXT
    with pytest.raises(NoteError):
        open_note((TEXT + "\n" + theirs).encode(), KEY)
    forged = sign_note("another\n", KEY.name, SIGNING).rpartition("\n\n")[2]
    with pytest.raises(NoteError, match="wrong"):
        open_note((TEXT + "\n" + forged).encode(), KEY)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno dash\n",
        b"te\rxt\n\n",
        b"\xff\n\n",
        "text\n\n— name\n".encode(),
        "t\n\n— a+b AAAAAAAA\n".encode(),
    ],
)
def test_what_is_no_note_is_refused(data):
    """Malformed blocks, control characters and bad UTF-8 raise."""
    with pytest.raises(NoteError):
        open_note(data, KEY)


def test_too_much_is_refused():
    """Size and number of signatures are bounded as in Go."""
    line = sign_note(TEXT, KEY.name, SIGNING).rpartition("\n\n")[2]
    with pytest.raises(NoteError, match="too many"):
        open_note((TEXT + "\n" + line * 101).encode(), KEY)
    with pytest.raises(NoteError, match="too large"):
        open_note(b"x" * 1_000_001, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+00000000+AAAA",
        "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "X+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "x+!",
    ],
)
def test_what_is_no_verifier_key_is_refused(text):
    """Name, hash and key must agree."""
    with pytest.raises(NoteError):
        parse_verifier_key(text)
