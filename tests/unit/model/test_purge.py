"""Certificates: their root is the RFC 6962 root, their id a function of what was removed."""

from hashlib import sha256

import pytest

from quivive.ledger.merkle import CompactRoot, leaf_hash
from quivive.model.purge import (
    MAX_CERTIFICATE_RANGES,
    RULE_CLAUSE,
    PurgedWhat,
    PurgeRule,
    RemovedRange,
    certificate_id,
    in_parts,
    removed_root,
)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8, 13, 255, 256, 257])
def test_the_root_is_that_of_the_log(count):
    """Whoever holds the tiles recomputes it with the tree's own hashing."""
    identifiers = [b"\x01" + bytes([n % 256]) * 32 for n in range(count)]
    tree = CompactRoot()
    for identifier in identifiers:
        tree.push(leaf_hash(identifier), 0)
    assert removed_root(identifiers) == (tree.root() if count else sha256().digest()).hex()


def test_one_removal_has_one_certificate():
    """A purge that is resumed certifies the same thing under the same id; another thing has another id."""
    first = certificate_id(PurgedWhat.DAY, "aurore", "00" * 32, "trace", "20260101")
    assert first == certificate_id(PurgedWhat.DAY, "aurore", "00" * 32, "trace", "20260101")
    assert first != certificate_id(PurgedWhat.DAY, "aurore", "00" * 32, "trace", "20260102")
    assert len(first) == 32


def test_many_ranges_have_several_parts():
    """No certificate grows beyond its bound, and none is without a part."""
    ranges = [RemovedRange(shard="aurore/202601", first=n, count=1) for n in range(MAX_CERTIFICATE_RANGES + 1)]
    assert [len(part) for part in in_parts(ranges)] == [MAX_CERTIFICATE_RANGES, 1]
    assert in_parts([]) == [()]


def test_every_rule_cites_a_text():
    """A certificate says on what it rests."""
    assert set(RULE_CLAUSE) == set(PurgeRule)
