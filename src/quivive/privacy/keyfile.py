"""Key files on disk: owner-only, durable, never overwritten by accident. Called by the keyring alone."""

import json
import os
from pathlib import Path
from typing import Final, cast

from quivive.model.errors import StorageError

_DIRECTORY_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


def write_new(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a file readable by its owner alone, durable on return; an existing one is refused unless `replace`.

    Raises:
        StorageError: it exists, or the folder cannot be written.
    """
    temporary = path.with_name(f".tmp-{path.name}")
    try:
        _make_folders(path.parent)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
        try:
            view = memoryview(data)
            while view:  # write(2) may stop half-way on a nearly full disk: a key cut short is a key lost
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)
            temporary.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def read_json(path: Path) -> dict[str, object]:
    """Read a key file.

    Raises:
        StorageError: it cannot be read or is no JSON object.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise StorageError(f"{path}: not a key file") from error
    if not isinstance(document, dict):
        raise StorageError(f"{path}: not a key file")
    return cast("dict[str, object]", document)


def destroy(path: Path) -> bool:
    """Overwrite a key file with random bytes, then remove it, durable on return; False when there is none.

    Raises:
        StorageError: the disk refused; call again.
    """
    try:
        try:
            fd = os.open(path, os.O_WRONLY)
        except FileNotFoundError:
            return False
        try:
            os.pwrite(fd, os.urandom(os.fstat(fd).st_size), 0)
            os.fsync(fd)
        finally:
            os.close(fd)
        path.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"cannot destroy {path}: {error.strerror}") from error
    return True


def move(path: Path, target: Path) -> None:
    """Put a key file in the place of another, durable on return.

    Raises:
        StorageError: the disk refused.
    """
    try:
        path.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise StorageError(f"cannot write {target}: {error.strerror}") from error


def _make_folders(folder: Path) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
