"""Atomic files and whole writes."""

import os

import pytest

from quivive.spool.durable import make_directories, write_all, write_atomic


def test_an_atomic_write_replaces_or_leaves(tmp_path, monkeypatch):
    """After a failure the old bytes stand and no temporary file stays."""
    path = tmp_path / "f"
    write_atomic(path, b"old")

    def broken(fd):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_short_writes_are_continued(tmp_path, monkeypatch):
    """write(2) may take fewer bytes than asked."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data[:3])))
    fd = os.open(tmp_path / "f", os.O_WRONLY | os.O_CREAT)
    write_all(fd, b"0123456789")
    os.close(fd)
    assert (tmp_path / "f").read_bytes() == b"0123456789"


def test_missing_parents_are_made(tmp_path):
    """Every created folder belongs to its owner alone."""
    make_directories(tmp_path / "a" / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
