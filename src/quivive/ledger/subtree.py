"""Proofs about subtrees [start, end) of a Merkle tree (draft-ietf-plants-merkle-tree-certs, 4; C2SP tlog-cosignature).

Called by whoever receives a cosigned subtree from another log's witness. Pure, standard library only. Verification
raises; it never returns a boolean that one can forget.
"""

from collections.abc import Sequence

from quivive.ledger.merkle import EMPTY_ROOT, HASH_BYTES, ProofError, node_hash, verify_inclusion


def check_subtree(start: int, end: int) -> None:
    """Check that [start, end) is a subtree: it begins at a multiple of the power of two that holds it.

    Raises:
        ProofError: it is none.
    """
    if not 0 <= start < end or start % (1 << (end - start - 1).bit_length()):
        raise ProofError(f"[{start}, {end}) is no subtree")


def verify_subtree_inclusion(
    *, entry_hash: bytes, index: int, start: int, end: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check an audit path within a subtree.

    Raises:
        ProofError: it does not lead from the entry to the subtree's root.
    """
    check_subtree(start, end)
    verify_inclusion(entry_hash=entry_hash, index=index - start, size=end - start, proof=proof, root=root)


def verify_subtree_consistency(  # noqa: C901 - the algorithm of the draft, kept in its own order
    *, start: int, end: int, size: int, subtree_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a tree of `size` holds a subtree.

    Raises:
        ProofError: that is not shown.
    """
    if start == end <= size and not proof and subtree_root == EMPTY_ROOT:
        return  # nothing is part of every tree
    check_subtree(start, end)
    if end > size or any(len(part) != HASH_BYTES for part in proof):
        raise ProofError("the subtree lies beyond the tree, or the proof is malformed")
    first, second, last = start, end - 1, size - 1
    while first != second and (second == last or second & 1):
        first, second, last = first >> 1, second >> 1, last >> 1
    if first != second and not proof:
        raise ProofError("the proof is empty")
    path = list(proof)
    inner = outer = subtree_root if first == second else path.pop(0)
    for part in path:
        if last == 0:
            raise ProofError("the proof is too long")
        if second & 1 or second == last:
            if first < second:
                inner = node_hash(part, inner)
            outer = node_hash(part, outer)
            while not second & 1 and second:
                first, second, last = first >> 1, second >> 1, last >> 1
        else:
            outer = node_hash(outer, part)
        first, second, last = first >> 1, second >> 1, last >> 1
    if last != 0 or inner != subtree_root or outer != root:
        raise ProofError("the tree does not hold the subtree")
