"""The public proof vectors of transparency-dev/merkle: each accepted or refused as its authors say.

They are not stored here (Apache-2.0, 518 files): QUIVIVE_MERKLE_VECTORS names the folder `testdata` of that repository.
"""

import base64
import json
import os
from pathlib import Path

import pytest

from quivive.ledger.merkle import CompactRoot, ProofError, leaf_hash, verify_consistency, verify_inclusion
from quivive.ledger.proofs import complete_root, consistency_proof
from quivive.ledger.subtree import verify_subtree_consistency, verify_subtree_inclusion

FOLDER = os.environ.get("QUIVIVE_MERKLE_VECTORS", "")
FILES = {"inclusion": 98, "consistency": 98, "subtreeinclusion": 204, "subtreeconsistency": 118}


def decoded(text):
    return base64.b64decode(text or "")


def proof_of(case):
    return [decoded(each) for each in case["proof"] or []]


def inclusion(case):
    verify_inclusion(
        entry_hash=decoded(case["leafHash"]),
        index=case["leafIdx"],
        size=case["treeSize"],
        proof=proof_of(case),
        root=decoded(case["root"]),
    )


def consistency(case):
    old, new = case["size1"], case["size2"]
    roots = {"old_root": decoded(case["root1"]), "new_root": decoded(case["root2"])}
    verify_consistency(old=old, new=new, proof=proof_of(case), **roots)


def subtreeinclusion(case):
    verify_subtree_inclusion(
        entry_hash=decoded(case["leafHash"]),
        index=case["leafIdx"],
        start=case["start"],
        end=case["end"],
        proof=proof_of(case),
        root=decoded(case["root"]),
    )


def subtreeconsistency(case):
    verify_subtree_consistency(
        start=case["start"],
        end=case["end"],
        size=case["size"],
        subtree_root=decoded(case["root1"]),
        root=decoded(case["root2"]),
        proof=proof_of(case),
    )


@pytest.mark.skipif(not FOLDER, reason="QUIVIVE_MERKLE_VECTORS names no folder")
@pytest.mark.parametrize("kind", FILES)
def test_every_vector_is_judged_as_its_authors_say(kind):
    """Accepted exactly when no error is wanted; every file of the kind is read."""
    files = sorted((Path(FOLDER) / kind).rglob("*.json"))
    assert len(files) == FILES[kind]
    differing = []
    for path in files:
        case = json.loads(path.read_bytes())
        try:
            globals()[kind](case)
            refused = False
        except ProofError:
            refused = True
        if refused != case["wantErr"]:
            differing.append((path.relative_to(FOLDER).as_posix(), case["desc"], refused))
    assert differing == []


LEAVES = [leaf_hash(bytes([n])) for n in range(40)]


def root(start, end):
    compact = CompactRoot()
    for leaf in LEAVES[start:end]:
        compact.push(leaf)
    return compact.root()


def test_prefixes_are_subtrees():
    """A consistency proof is the subtree proof of a prefix; a changed root or a shortened proof is refused."""

    def read(height, at):
        return complete_root(b"".join(LEAVES[at << height : (at + 1) << height]))

    for size in (1, 2, 7, 8, 33, 40):
        for end in range(1, size + 1):
            proof = consistency_proof(end, size, read)
            given = {"start": 0, "end": end, "size": size, "subtree_root": root(0, end), "root": root(0, size)}
            verify_subtree_consistency(**given, proof=proof)
            for change in ({"root": bytes(32)}, {"subtree_root": bytes(32)}, {"proof": [*proof, bytes(32)]}):
                with pytest.raises(ProofError):
                    verify_subtree_consistency(**{**given, "proof": proof, **change})


def test_what_is_no_subtree_is_refused():
    """Beginnings that are no multiple of the power of two above the length."""
    for start, end in ((1, 3), (3, 3), (4, 3), (2, 6), (-1, 1)):
        with pytest.raises(ProofError):
            verify_subtree_inclusion(entry_hash=b"", index=start, start=start, end=end, proof=[], root=b"")
