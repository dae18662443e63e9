"""Claims on the memory of rows: what was added is known, for MAX_SEEN_DAYS, across a restart."""

import pytest

from quivive.intake.seen import MAX_SEEN_DAYS, SeenTable
from quivive.model.clock import DAY_US
from quivive.model.errors import StorageError


def digests(count, start=0):
    return [number.to_bytes(16, "big") for number in range(start, start + count)]


def test_what_was_added_is_known_after_a_restart(tmp_path):
    """More digests than one statement may carry, written and found again by another process."""
    table = SeenTable.open(tmp_path / "intake.db")
    table.add(digests(1_200), 0)
    table.close()
    again = SeenTable.open(tmp_path / "intake.db")
    assert again.known(digests(1_300)) == set(digests(1_200))
    assert again.known([]) == set()
    again.close()


def test_old_digests_are_forgotten(tmp_path):
    """The table is bounded by days, not by luck."""
    table = SeenTable.open(tmp_path / "intake.db")
    table.add(digests(1), 0)
    table.add(digests(1, 1), MAX_SEEN_DAYS * DAY_US)
    assert table.known(digests(2)) == set(digests(2))
    table.add(digests(1, 2), (MAX_SEEN_DAYS + 1) * DAY_US)
    assert table.known(digests(3)) == set(digests(2, 1))
    table.close()


def test_the_file_is_for_its_owner_alone(tmp_path):
    """Mode 0600."""
    SeenTable.open(tmp_path / "intake.db").close()
    assert (tmp_path / "intake.db").stat().st_mode & 0o077 == 0


def test_a_file_that_is_no_table_is_one_sentence(tmp_path):
    """A damaged file raises StorageError at the opening, not later."""
    (tmp_path / "intake.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StorageError, match=r"intake\.db"):
        SeenTable.open(tmp_path / "intake.db")


def test_a_closed_table_raises_storage_error(tmp_path):
    """Neither reading nor writing fails silently."""
    table = SeenTable.open(tmp_path / "intake.db")
    table.close()
    with pytest.raises(StorageError):
        table.known(digests(1))
    with pytest.raises(StorageError):
        table.add(digests(1), 0)
