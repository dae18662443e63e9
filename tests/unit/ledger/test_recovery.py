"""Reading segment files at start."""

import pytest

from quivive.ledger.recovery import (
    FoundFrame,
    LedgerDamagedError,
    TornTail,
    cut,
    read_frames,
    rewrite,
    scan,
    segment_files,
)


def closed_home(home):
    ledger = home.open()
    ledger.append(home.events(1, 5), home.now)
    ledger.append(home.events(6, 9), home.now)
    extents = ledger._heads.extents()
    ledger.close()
    return next(segment_files(home.path)), extents


def test_frames_are_found_where_they_lie(home):
    """Indices, places and a torn tail come in order of the file."""
    path, _ = closed_home(home)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"torn")
    first, second, tail = read_frames(home.path, path, 0)
    assert isinstance(first, FoundFrame)
    assert (first.place.first, first.place.count, second.place.first) == (0, 5, 5)
    assert second.place.start == first.place.length
    assert tail == TornTail(path="segments/aurore/trace/20261118", start=size, length=4)
    cut(home.path, tail)
    assert path.stat().st_size == size
    before = path.read_bytes()
    rewrite(home.path, second.place)
    assert path.read_bytes() == before


def test_what_was_acknowledged_must_be_there(home):
    """A shorter or missing file is refused by name; a known one is not read again."""
    path, extents = closed_home(home)
    assert scan(home.path, extents) == ([], [])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LedgerDamagedError, match="acknowledged"):
        scan(home.path, extents)
    path.unlink()
    with pytest.raises(LedgerDamagedError, match="gone"):
        scan(home.path, extents)
