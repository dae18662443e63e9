"""One log against its checkpoint."""

from quivive.ledger.checkpoint import Checkpoint
from quivive.ledger.finding import FindingCode
from quivive.ledger.logcheck import LogCheck
from quivive.ledger.tree import TileTree


def check(home, tree, *, heads=None, root=None):
    checkpoint = Checkpoint(origin="o", size=tree.size, root=root or tree.root())
    check = LogCheck(
        home=home, folder=tree.folder, checkpoint=checkpoint, heads=heads or {}, on_entry=lambda index, data: iter(())
    )
    return [(finding.code, finding.place) for finding in check.run()]


def make(path, *sizes):
    tree = TileTree(path / "log")
    roots = {}
    for size in sizes:
        growth = tree.grow([b"%d" % n for n in range(tree.size, size)])
        tree.write(growth)
        tree.adopt(growth)
        roots[size] = tree.root()
    return tree, roots


def test_a_log_and_its_earlier_heads_are_whole(tmp_path):
    """Every head that once stood is confirmed; another root at its size is not."""
    tree, roots = make(tmp_path, 5, 300, 513)
    assert check(tmp_path, tree, heads=dict.fromkeys(roots.items(), "somewhere")) == []
    assert check(tmp_path, tree, heads={(300, roots[5]): "elsewhere"}) == [(FindingCode.HEAD_DIFFERS, "elsewhere")]
    assert check(tmp_path, tree, root=roots[5]) == [(FindingCode.ROOT_DIFFERS, "log/checkpoint")]


def test_superseded_partial_tiles_are_checked_too(tmp_path):
    """A left-over partial tile must be a beginning of the full one."""
    tree, _ = make(tmp_path, 5, 300)
    for name in ("tile/0/000.p/5", "tile/entries/000.p/5"):
        path = tmp_path / "log" / name
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert (FindingCode.TILE_ALTERED, f"log/{name}") in check(tmp_path, tree)
        path.write_bytes(data)
    assert check(tmp_path, tree) == []


def test_without_a_bundle_the_hash_tiles_still_carry_the_check(tmp_path):
    """A missing bundle is named once; with its hash tile gone too the rest cannot be worked out."""
    tree, _ = make(tmp_path, 300)
    (tmp_path / "log/tile/entries/000").unlink()
    assert check(tmp_path, tree) == [(FindingCode.TILE_MISSING, "log/tile/entries/000")]
    (tmp_path / "log/tile/0/000").unlink()
    assert (FindingCode.TILE_MISSING, "log/tile/entries/000") in check(tmp_path, tree)
