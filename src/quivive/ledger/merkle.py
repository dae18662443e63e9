"""Merkle trees of RFC 6962: hashes, compact roots, and the verification of proofs (`proofs` makes them).

Called by the tile writer, by `verify` and by whoever holds a proof. Pure, standard library only.
Verification raises; it never returns a boolean that one can forget.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from quivive.model.errors import QuiviveError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


class ProofError(QuiviveError):
    """A proof does not prove what it is given for."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash one log entry (RFC 6962 §2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees (RFC 6962 §2.1)."""
    return sha256(b"\x01" + left + right).digest()


class CompactRoot:
    """The right edge of a growing tree: at most 64 hashes whatever the size, never the whole tree."""

    def __init__(self) -> None:
        self._edge: list[tuple[int, bytes]] = []  # (height, hash), heights strictly falling

    def push(self, subtree: bytes, height: int = 0) -> None:
        """Add a complete subtree of 2^height leaves on the right."""
        while self._edge and self._edge[-1][0] == height:
            subtree = node_hash(self._edge.pop()[1], subtree)
            height += 1
        self._edge.append((height, subtree))

    def root(self) -> bytes:
        """Root of everything pushed."""
        if not self._edge:
            return EMPTY_ROOT
        root = self._edge[-1][1]
        for _, left in reversed(self._edge[:-1]):
            root = node_hash(left, root)
        return root


def verify_inclusion(*, entry_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an audit path (RFC 9162 §2.1.3.2).

    Raises:
        ProofError: it does not lead from the entry to the root.
    """
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of {size}")
    at, last, current = index, size - 1, entry_hash
    for sibling in proof:
        if last == 0 or len(sibling) != HASH_BYTES:
            raise ProofError("the inclusion proof is too long or malformed")
        if at & 1 or at == last:
            current = node_hash(sibling, current)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or current != root or len(root) != HASH_BYTES:
        raise ProofError("the inclusion proof does not lead to the root")


def verify_consistency(  # noqa: C901 - the algorithm of the RFC, kept in its own order
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check a consistency proof (RFC 9162 §2.1.4.2).

    Raises:
        ProofError: the old tree is not shown to be a prefix of the new one.
    """
    if not 0 < old <= new:
        raise ProofError(f"no consistency proof from {old} to {new}")
    if old == new:
        if proof or old_root != new_root:
            raise ProofError("two roots for one size")
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path or any(len(part) != HASH_BYTES for part in path):
        raise ProofError("the consistency proof is empty or malformed")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for part in path[1:]:
        if last == 0:
            raise ProofError("the consistency proof is too long")
        if at & 1 or at == last:
            first, second = node_hash(part, first), node_hash(part, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, part)
        at, last = at >> 1, last >> 1
    if last != 0 or first != old_root or second != new_root:
        raise ProofError("the new tree does not contain the old one")
