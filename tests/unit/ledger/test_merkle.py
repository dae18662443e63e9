"""Merkle trees: roots and proofs agree with a naive tree for every small size, and mutations fail."""

from functools import cache

import pytest

from quivive.ledger.merkle import (
    EMPTY_ROOT,
    CompactRoot,
    ProofError,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from quivive.ledger.proofs import complete_root, consistency_proof, inclusion_proof, range_root

LEAVES = [leaf_hash(bytes([n])) for n in range(70)]


def naive(leaves):
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(naive(leaves[:k]), naive(leaves[k:]))


@cache
def read(height, index):
    start = index << height
    assert start + (1 << height) <= len(LEAVES)
    return naive(LEAVES[start : start + (1 << height)])


def test_compact_roots_equal_the_naive_ones():
    """The right edge is enough for the root at every size."""
    compact = CompactRoot()
    for size in range(len(LEAVES)):
        assert compact.root() == naive(LEAVES[:size]) == range_root(0, size, read)
        compact.push(LEAVES[size])
    assert complete_root(b"".join(LEAVES[:64])) == naive(LEAVES[:64])


def test_every_inclusion_proof_verifies_and_no_other_leaf_does():
    """For each index of each size: the right leaf passes, the wrong leaf, index, size and root fail."""
    for size in (1, 2, 3, 7, 8, 9, 33, 64, 70):
        root = naive(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(index, size, read)
            verify_inclusion(entry_hash=LEAVES[index], index=index, size=size, proof=proof, root=root)
            wrong = [
                {"entry_hash": LEAVES[(index + 1) % 70]},
                {"root": EMPTY_ROOT},
                {"proof": [*proof, LEAVES[0]]},
                {"index": size},
            ]
            if proof:
                wrong += [{"proof": proof[:-1]}, {"proof": [b"x" * 32, *proof[1:]]}, {"proof": [b"short", *proof[1:]]}]
            for change in wrong:
                with pytest.raises(ProofError):
                    verify_inclusion(
                        **{
                            "entry_hash": LEAVES[index],
                            "index": index,
                            "size": size,
                            "proof": proof,
                            "root": root,
                            **change,
                        }
                    )


def test_every_consistency_proof_verifies_and_no_other_root_does():
    """For each pair of sizes: true roots pass, altered roots and proofs fail."""
    for new in (1, 2, 5, 8, 31, 64, 70):
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, read)
            old_root, new_root = naive(LEAVES[:old]), naive(LEAVES[:new])
            verify_consistency(old=old, new=new, old_root=old_root, new_root=new_root, proof=proof)
            for change in (
                {"old_root": b"x" * 32},
                {"new_root": b"x" * 32},
                {"proof": [*proof, b"x" * 32]},
                {"old": 0},
            ):
                with pytest.raises(ProofError):
                    verify_consistency(
                        **{"old": old, "new": new, "old_root": old_root, "new_root": new_root, "proof": proof, **change}
                    )
            if proof:
                with pytest.raises(ProofError):
                    verify_consistency(old=old, new=new, old_root=old_root, new_root=new_root, proof=proof[1:])


def test_impossible_proofs_are_refused():
    """No proof is made for what is not in the tree."""
    with pytest.raises(ProofError):
        inclusion_proof(5, 5, read)
    with pytest.raises(ProofError):
        consistency_proof(6, 5, read)
