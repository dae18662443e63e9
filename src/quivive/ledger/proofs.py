"""Proofs of Merkle trees of RFC 6962, made from the hashes of complete subtrees; `merkle` checks them.

Called by whoever has the tiles: publication, submission to witnesses, bundles. Pure, standard library only.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from quivive.ledger.merkle import HASH_BYTES, CompactRoot, ProofError

_PAIR_BYTES: Final = 2 * HASH_BYTES

HashReader = Callable[[int, int], bytes]
"""(height, index) → hash of the complete subtree of 2^height leaves beginning at leaf index × 2^height."""


def complete_root(hashes: bytes) -> bytes:
    """Root of a complete subtree given its 2^k concatenated hashes."""
    while len(hashes) > HASH_BYTES:
        pairs = range(0, len(hashes), _PAIR_BYTES)
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + _PAIR_BYTES]).digest() for at in pairs])
    return hashes


def range_root(start: int, end: int, read: HashReader) -> bytes:
    """Root of leaves [start, end), where start is a multiple of the largest power of two within the range."""
    compact = CompactRoot()
    while start < end:
        height = (end - start).bit_length() - 1
        compact.push(read(height, start >> height), height)
        start += 1 << height
    return compact.root()


def inclusion_proof(index: int, size: int, read: HashReader) -> list[bytes]:
    """Audit path of leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1)."""
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of {size}")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(middle, end, read))
            end = middle
        else:
            path.append(range_root(start, middle, read))
            start = middle
    path.reverse()
    return path


def consistency_proof(old: int, new: int, read: HashReader) -> list[bytes]:
    """Proof that the tree of `old` leaves is a prefix of the tree of `new` (RFC 6962 §2.1.2)."""
    if not 0 < old <= new:
        raise ProofError(f"no consistency proof from {old} to {new}")
    start, end, whole, path = 0, new, True, []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_root(middle, end, read))
            end = middle
        else:
            path.append(range_root(start, middle, read))
            start, whole = middle, False
    if not whole:
        path.append(range_root(start, end, read))
    path.reverse()
    return path


def _split(size: int) -> int:
    """Largest power of two below `size` (size > 1)."""
    return 1 << (size - 1).bit_length() - 1
