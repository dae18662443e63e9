"""Commitments: bound to shard, index, salt and bytes."""

from hashlib import sha256

from quivive.ledger.commitment import Committer


def test_the_bytes_are_those_of_the_decision_record():
    """ADR 0001, spelled out."""
    expected = sha256(b"quivive-entry/v1" + sha256(b"o").digest() + (5).to_bytes(8) + b"s" * 32 + b"event").digest()
    assert Committer("o").log_entry(5, b"s" * 32, b"event") == b"\x01" + expected


def test_nothing_can_be_moved():
    """Another shard, index, salt or event gives another entry."""
    entries = {
        Committer("o").log_entry(5, b"s" * 32, b"event"),
        Committer("p").log_entry(5, b"s" * 32, b"event"),
        Committer("o").log_entry(6, b"s" * 32, b"event"),
        Committer("o").log_entry(5, b"t" * 32, b"event"),
        Committer("o").log_entry(5, b"s" * 32, b"Event"),
    }
    assert len(entries) == 5
