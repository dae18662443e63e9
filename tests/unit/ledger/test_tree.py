"""The tile tree: any growth gives the same files, what was written is re-read, wider tiles serve narrower ones."""

import random

import pytest

from quivive.ledger.merkle import CompactRoot, leaf_hash, verify_inclusion
from quivive.ledger.proofs import inclusion_proof
from quivive.ledger.tile import ENTRIES, TileName
from quivive.ledger.tree import TileTree, read_tile
from quivive.model.errors import StorageError


def entries(first, last):
    return [b"entry %d" % n for n in range(first, last)]


def grow(tree, last):
    growth = tree.grow(entries(tree.size, last))
    tree.write(growth)
    tree.check(growth)
    tree.adopt(growth)
    tree.collect()
    return growth


def naive_root(size):
    compact = CompactRoot()
    for entry in entries(0, size):
        compact.push(leaf_hash(entry))
    return compact.root()


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_any_sequence_of_growths_ends_in_the_same_root_and_files(tmp_path, size):
    """Batches do not show in the result."""
    chance = random.Random(size)
    steps = sorted({*(chance.randrange(1, size + 1) for _ in range(3)), size})
    tree = TileTree(tmp_path / "steps")
    for step in steps:
        grow(tree, step)
    once = TileTree(tmp_path / "once")
    grow(once, size)
    assert tree.root() == once.root() == naive_root(size)
    tree.clean()
    files = {
        path.relative_to(tmp_path / "once"): path.read_bytes()
        for path in (tmp_path / "once").rglob("*")
        if path.is_file()
    }
    assert files == {
        path.relative_to(tmp_path / "steps"): path.read_bytes()
        for path in (tmp_path / "steps").rglob("*")
        if path.is_file()
    }
    again = TileTree.load(tmp_path / "steps", size)
    assert again.root() == tree.root()


def test_proofs_come_from_tiles(tmp_path):
    """Every sampled entry of a log with three levels proves."""
    size = 66_000
    tree = TileTree(tmp_path)
    grow(tree, size)
    assert tree.root() == naive_root(size)
    for index in (0, 255, 256, 65_535, 65_536, size - 1):
        proof = inclusion_proof(index, size, lambda height, at: tree.read_hash(height, at, size))
        verify_inclusion(
            entry_hash=leaf_hash(b"entry %d" % index), index=index, size=size, proof=proof, root=tree.root()
        )


def test_an_altered_byte_on_disk_stops_before_the_signature(tmp_path):
    """What was written is read back and hashed before anything is signed."""
    for name in ("tile/entries/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/0/000"):
        tree = TileTree(tmp_path / name.replace("/", "-"))
        growth = tree.grow(entries(0, 300))
        tree.write(growth)
        path = tree.folder / name
        data = bytearray(path.read_bytes())
        data[10] ^= 4
        path.write_bytes(data)
        with pytest.raises(StorageError, match="nothing is signed"):
            tree.check(growth)


def test_old_partial_tiles_are_collected_one_growth_later(tmp_path):
    """A reader of the checkpoint before still finds its tiles; older ones go."""
    tree = TileTree(tmp_path)
    for size in (10, 20, 30):
        grow(tree, size)
    assert sorted(path.name for path in (tmp_path / "tile/0/000.p").iterdir()) == ["20", "30"]
    grow(tree, 256)
    grow(tree, 300)
    assert not (tmp_path / "tile/0/000.p").exists()
    assert (
        read_tile(tmp_path, TileName(level=0, number=0, width=20)) == (tmp_path / "tile/0/000").read_bytes()[: 20 * 32]
    )
    assert len(read_tile(tmp_path, TileName(level=ENTRIES, number=0, width=2))) == 2 * (2 + len(b"entry 0"))


def test_a_missing_edge_is_named(tmp_path):
    """A tree does not open when its edge is gone."""
    grow(TileTree(tmp_path), 10)
    (tmp_path / "tile/0/000.p/10").unlink()
    with pytest.raises(StorageError, match="size 10"):
        TileTree.load(tmp_path, 10)
    with pytest.raises(StorageError, match="missing"):
        read_tile(tmp_path, TileName(level=0, number=0, width=10))
