"""heads.db: compare-and-swap, and a cache that only remembers."""

import pytest

from quivive.ledger import heads as heads_module
from quivive.ledger.heads import FramePlace, HeadConflictError, Heads
from quivive.model.errors import StorageError


def place(first, count, shard="aurore/202611", start=None, path="segments/x"):
    return FramePlace(
        shard=shard, first=first, count=count, path=path, start=first * 10 if start is None else start, length=10
    )


def test_a_head_moves_only_from_where_it_stands(tmp_path):
    """Wrong expectations, shrinking and a second root for one size are refused."""
    heads = Heads(tmp_path / "heads.db")
    heads.swap_head("a", None, (5, b"r"))
    heads.swap_head("a", (5, b"r"), (5, b"r"))
    for old, new in (
        (None, (6, b"s")),
        ((4, b"r"), (6, b"s")),
        ((5, b"x"), (6, b"s")),
        ((5, b"r"), (4, b"s")),
        ((5, b"r"), (5, b"s")),
    ):
        with pytest.raises(HeadConflictError):
            heads.swap_head("a", old, new)
    assert heads.head("a") == (5, b"r")
    assert heads.head("b") is None


def test_runs_are_found_by_index(tmp_path):
    """The run that holds an index comes first, then those that follow."""
    heads = Heads(tmp_path / "heads.db")
    heads.record([place(0, 5), place(5, 3), place(8, 1), place(0, 2, "boreal/202611")], [], [])
    assert [run.first for run in heads.runs("aurore/202611", 6, 10)] == [5, 8]
    assert [run.first for run in heads.runs("aurore/202611", 0, 2)] == [0, 5]
    assert heads.runs("aurore/202611", 9, 10) == []
    assert heads.shards() == [("aurore/202611", 9), ("boreal/202611", 2)]
    assert heads.extents() == {"segments/x": 10}


def test_frames_that_follow_each_other_share_a_run(tmp_path, monkeypatch):
    """Neighbours in one file join, across restarts, up to the bound; another file or a hole begins a new run."""
    monkeypatch.setattr(heads_module, "MAX_RUN_FRAMES", 3)
    heads = Heads(tmp_path / "heads.db")
    heads.record([place(0, 5, start=0), place(5, 1, start=10)], [], [])
    heads.close()
    heads = Heads(tmp_path / "heads.db")
    heads.record([place(6, 2, start=20)], [], [])
    heads.record(
        [place(8, 1, start=30), place(9, 1, start=0, path="segments/y"), place(10, 1, start=99, path="segments/y")],
        [],
        [],
    )
    runs = heads.runs("aurore/202611", 0, 10)
    assert [(run.first, run.count, run.length, run.frames) for run in runs] == [
        (0, 8, 30, 3),
        (8, 1, 10, 1),
        (9, 1, 10, 1),
        (10, 1, 10, 1),
    ]


def test_an_older_cache_is_dropped_and_heads_stay(tmp_path):
    """A schema before this one loses what can be rebuilt and nothing else."""
    heads = Heads(tmp_path / "heads.db")
    heads.swap_head("a", None, (5, b"r"))
    heads.record([place(0, 5)], [], [("s1", 1, 1)])
    heads._db.execute("pragma user_version = 1")
    heads.close()
    heads = Heads(tmp_path / "heads.db")
    assert (heads.head("a"), heads.shards(), heads.cursors()) == ((5, b"r"), [], {})


def test_everything_survives_reopening(tmp_path):
    """Ranges, cursors and announcements are there after a restart."""
    heads = Heads(tmp_path / "heads.db")
    heads.record([], [("s1", 7, [(1, 4), (6, 6)])], [("s1", 7, 4)])
    heads.announce("log")
    heads.close()
    heads = Heads(tmp_path / "heads.db")
    assert list(heads.ranges()) == [("s1", 7, [(1, 4), (6, 6)])]
    assert heads.cursors() == {"s1": (7, 4)}
    assert heads.announced("log")
    assert not heads.announced("other")


def test_what_is_no_database_is_named(tmp_path):
    """A damaged file and a newer schema are refused with what to do."""
    path = tmp_path / "heads.db"
    path.write_bytes(b"rubbish" * 100)
    with pytest.raises(StorageError, match="move it away"):
        Heads(path)
    path.unlink()
    heads = Heads(path)
    heads._db.execute("pragma user_version = 9")
    heads.close()
    with pytest.raises(StorageError, match="upgrade"):
        Heads(path)
