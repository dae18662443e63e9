"""Settling a home at start."""

import pytest

from quivive.ledger.recovery import LedgerDamagedError, read_frames


def forget(home):
    for path in (home.path / "spine").glob("heads.db*"):
        path.unlink()


def test_frames_in_another_place_or_twice_are_refused(home):
    """Without the cache, indices must still follow each other and numbers stand once."""
    ledger = home.open()
    ledger.append(home.events(1, 5), home.now)
    ledger.append(home.events(6, 9), home.now)
    ledger.close()
    path = home.path / "segments/aurore/trace/20261118"
    whole = path.read_bytes()
    first = next(read_frames(home.path, path, 0)).place.length
    for altered in (whole + whole[:first], whole[first:]):
        forget(home)
        path.write_bytes(altered)
        with pytest.raises(LedgerDamagedError, match="must follow"):
            home.open()
    forget(home)
    path.write_bytes(whole)
    home.open().close()


def test_pending_entries_come_back_from_frames(home):
    """What was durable and not published before a stop is published after it."""
    ledger = home.open()
    ledger.append(home.events(1, 5), home.now)
    ledger.publish(home.now)
    ledger.append(home.events(6, 300), home.now)
    ledger.close()
    ledger = home.open()
    ledger.publish(home.now + 5_000_000)
    assert ledger.published_size("aurore/202611") == 300
    ledger.close()
