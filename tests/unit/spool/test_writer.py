"""The writing end: numbers, epochs, rotation, failures."""

import errno
import os

import pytest

from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.spool import SpoolCursor, SpoolReader, SpoolWriter, record
from quivive.spool import writer as writer_module

NOW = 1_790_000_000_000_000


def put(writer, at=NOW, body=b'{"n":1}'):
    return writer.append(kind=EntryKind.ACCESS, captured_at=at, controller="aurore", key_id="k1", body=body)


def test_numbers_begin_at_one_and_are_durable_only_after_sync(tmp_path):
    """Each event gets the next number; durable_seq moves with sync, not with flush."""
    writer = SpoolWriter.open(tmp_path, "aurore-db", NOW)
    assert [put(writer) for _ in range(3)] == [1, 2, 3]
    writer.flush()
    assert writer.durable_seq == 0
    writer.sync()
    assert writer.durable_seq == 3
    writer.close()


def test_a_killed_epoch_is_reported_unclean_and_a_closed_one_clean(tmp_path):
    """The next writer learns whether, and until when, the one before it saw."""
    first = SpoolWriter.open(tmp_path, "aurore-db", NOW)
    assert first.previous is None
    put(first, at=NOW + 5)
    first.flush()
    first.abandon()
    second = SpoolWriter.open(tmp_path, "aurore-db", NOW - 10)
    assert second.epoch == NOW + 1
    assert second.previous == record.PreviousEpoch(epoch=NOW, clean=False, last_seq=1, last_captured_at=NOW + 5)
    second.close()
    third = SpoolWriter.open(tmp_path, "aurore-db", NOW + 100)
    assert third.previous is not None
    assert third.previous.clean
    third.close()


def test_a_source_has_one_writer(tmp_path):
    """A second process on the same source is refused."""
    writer = SpoolWriter.open(tmp_path, "aurore-db", NOW)
    with pytest.raises(StorageError, match="another process"):
        SpoolWriter.open(tmp_path, "aurore-db", NOW)
    writer.close()


def test_files_rotate_and_read_back_in_order(tmp_path, monkeypatch):
    """A full file is followed by the next; the reader sees one sequence."""
    monkeypatch.setattr(writer_module, "MAX_FILE_BYTES", 400)
    writer = SpoolWriter.open(tmp_path, "aurore-db", NOW)
    for _ in range(20):
        put(writer)
        writer.sync()
    assert len(list((tmp_path / "aurore-db" / str(NOW)).iterdir())) > 3
    events = SpoolReader(tmp_path, "aurore-db").poll(SpoolCursor(source="aurore-db"), 100)
    assert [event.seq for event in events] == list(range(1, 21))
    writer.close()


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(tmp_path, monkeypatch):
    """A write that stops half-way is taken back; the next flush writes the same events once."""
    writer = SpoolWriter.open(tmp_path, "aurore-db", NOW)
    put(writer)
    writer.sync()
    real = os.write

    def full(fd, data):
        if len(data) > 100:
            return real(fd, bytes(data[:50]))
        raise OSError(errno.ENOSPC, "No space left on device")

    put(writer, body=b'{"n":"' + b"x" * 200 + b'"}')
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="No space left"):
        writer.sync()
    assert writer.durable_seq == 1
    reader = SpoolReader(tmp_path, "aurore-db")
    assert [event.seq for event in reader.poll(SpoolCursor(source="aurore-db"), 9)] == [1]
    monkeypatch.setattr(os, "write", real)
    put(writer)
    writer.close()
    assert [event.seq for event in SpoolReader(tmp_path, "aurore-db").poll(SpoolCursor(source="aurore-db"), 9)] == [
        1,
        2,
        3,
    ]


def test_after_a_failed_fdatasync_events_go_to_a_new_file_and_are_read_once(tmp_path, monkeypatch):
    """A file whose fdatasync failed is never trusted again; duplicates are skipped by number."""
    writer = SpoolWriter.open(tmp_path, "aurore-db", NOW)
    put(writer)
    put(writer)
    real = os.fdatasync

    def broken(fd):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(StorageError, match="Input/output"):
        writer.sync()
    monkeypatch.setattr(os, "fdatasync", real)
    put(writer)
    writer.sync()
    assert writer.durable_seq == 3
    writer.close()
    reader = SpoolReader(tmp_path, "aurore-db")
    assert [event.seq for event in reader.poll(SpoolCursor(source="aurore-db"), 9)] == [1, 2, 3]
    assert reader.take_damage() == []


def test_memory_is_bounded_while_the_disk_refuses(tmp_path, monkeypatch):
    """Beyond MAX_HELD_BYTES append says so instead of growing."""
    monkeypatch.setattr(writer_module, "MAX_HELD_BYTES", 1_000)
    writer = SpoolWriter.open(tmp_path, "aurore-db", NOW)
    while writer._held < 1_000:
        put(writer)
    with pytest.raises(StorageError, match="wait for the disk"):
        put(writer)
    writer.close()
