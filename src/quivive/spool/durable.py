"""The few file operations whose order decides what a crash leaves: directories, atomic files, whole writes.

Called by the spool and the ledger. Must never swallow an operating-system error: the caller turns it
into a StorageError after restoring what it must.
"""

import os
from pathlib import Path
from typing import Final

TEMPORARY_PREFIX: Final = ".tmp-"
_DIRECTORY_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


def sync_directory(folder: Path) -> None:
    """Make the names inside a folder durable (a rename or a new file is not, until its directory is)."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directories(folder: Path) -> None:
    """Create a folder and its missing parents, each one durable in its parent."""
    missing = []
    current = folder
    while not current.is_dir():
        missing.append(current)
        current = current.parent
    for path in reversed(missing):
        path.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        sync_directory(path.parent)


def write_all(fd: int, data: bytes) -> None:
    """Write every byte; write(2) may stop half-way on a nearly full disk."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_atomic(path: Path, data: bytes, *, sync_parent: bool = True) -> None:
    """Replace a file so that a reader sees the old bytes or the new, durable on return.

    With `sync_parent` False the caller makes the directory durable itself, once for many files.
    """
    temporary = path.with_name(TEMPORARY_PREFIX + path.name)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
    try:
        try:
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if sync_parent:
        sync_directory(path.parent)
