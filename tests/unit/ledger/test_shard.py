"""Grouping into frames, and appends that leave a file as it was when they fail."""

import errno
import os

import pytest

from quivive.ledger import shard
from quivive.ledger.shard import Prepared, append_durably, group
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError


def test_groups_keep_order_and_bounds(home, monkeypatch):
    """Events go by class and day in their order; no group exceeds count or bytes."""
    monkeypatch.setattr(shard, "MAX_FRAME_BYTES", 300)
    kinds = [EntryKind.ACCESS, EntryKind.GAP, EntryKind.ACCESS, EntryKind.CONTACT, EntryKind.ACCESS]
    prepared = [Prepared(event=home.event(seq, kind=kind), data=b"x" * 100) for seq, kind in enumerate(kinds, 1)]
    frames = group(prepared, ["d1", "d1", "d2", "d1", "d1"])
    found = [(segment.path, [item.event.seq for item in part]) for segment, part in frames]
    assert found == [
        ("segments/aurore/trace/d1", [1, 4]),
        ("segments/aurore/trace/d1", [5]),
        ("segments/aurore/governance/d1", [2]),
        ("segments/aurore/trace/d2", [3]),
    ]


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_a_failed_append_is_cut_back(tmp_path, monkeypatch, call):
    """Whether the write or the sync fails, the file ends where it ended and the next append follows it."""
    path = tmp_path / "a" / "day"
    assert append_durably(path, b"first") == 0
    real = getattr(os, call)

    def refuse(fd, *data):
        if data:
            real(fd, bytes(data[0][:2]))
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(StorageError, match="Input/output"):
        append_durably(path, b"second")
    assert path.read_bytes() == b"first"
    monkeypatch.undo()
    assert append_durably(path, b"third") == 5
    assert path.read_bytes() == b"firstthird"
