"""Spine entries and slots: fixed, salted, unlinkable."""

import pytest

from quivive.ledger.merkle import CompactRoot, leaf_hash
from quivive.ledger.slot import SLOTS, SpineError, read_entry, slot_leaf
from quivive.ledger.spine import Slots, epoch_entry, key_commitment, key_entry


def test_the_root_covers_1024_fixed_slots():
    """The root is the RFC 6962 root of all slots; a used slot changes it at its place only."""
    slots = Slots(b"secret")
    empty = slots.root({})
    used = slots.root({3: (b"salt", "text\n")})
    assert used not in (empty, slots.root({4: (b"salt", "text\n")}), slots.root({3: (b"tlas", "text\n")}))
    compact = CompactRoot()
    for slot in range(SLOTS):
        compact.push(leaf_hash(slot_leaf(b"salt", "text\n")) if slot == 3 else slots._empty[slot])
    assert compact.root() == used
    assert len(set(slots._empty)) == SLOTS
    assert Slots(b"secret").root({}) == empty
    assert Slots(b"other").root({}) != empty


def test_entries_read_back():
    """Epochs and key events decode; anything else is refused."""
    entry = read_entry(epoch_entry(epoch=4, time=9, root=b"\x01" * 32))
    assert entry == {"epoch": 4, "kind": "epoch", "root": "01" * 32, "slots": 1024, "time": 9, "v": 1}
    assert read_entry(key_entry(time=9, salt=b"s", verifier_key="k"))["key"] == key_commitment(b"s", "k")
    assert key_commitment(b"s", "k") != key_commitment(b"t", "k")
    for data in (b"", b"[]", b"{}", b'{"v":2,"kind":"epoch"}', b'{"v":1,"kind":"other"}'):
        with pytest.raises(SpineError):
            read_entry(data)
