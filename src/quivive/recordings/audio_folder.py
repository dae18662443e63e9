"""Audio in a folder of this machine or of a mounted share.

Opened by `recordings.stores`. Must never follow a symbolic link, neither to list nor to remove: whoever may write
into the folder could otherwise have us delete elsewhere. Every step goes through the opened parent folder.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from quivive.model.audio import AudioFailure
from quivive.recordings.audio import READ_BYTES, AudioAbsentError, AudioObject, AudioUnreachableError, Scan

MAX_DEPTH: Final = 32
"""Folders below one another; recorders make year, month, day and campaign."""
MARK: Final = ".quivive-audio"
"""Empty file at the top of the folder, made with the first sealed plan."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderStore:
    """One folder. `declared` is False: we look ourselves."""

    declared = False

    def __init__(self, name: str, root: Path, suffixes: Sequence[str]) -> None:
        self.name = name
        self._root, self._suffixes = root, tuple(suffixes)

    def mark(self) -> None:
        """Leave the sign that tells this folder from an empty mount point."""
        try:
            (self._root / MARK).touch(mode=0o600, exist_ok=True)
        except OSError as error:
            raise AudioUnreachableError(f"audio store {self.name} cannot be written ({error.strerror})") from None

    def scan(self, at: int, *, marked: bool = False) -> Scan:
        """List the sound below the folder.

        Raises:
            AudioUnreachableError: the folder, or one below it, cannot be read: a part unseen proves nothing.
        """
        found: list[AudioObject] = []
        try:
            root = os.open(self._root, _FOLDER & ~os.O_NOFOLLOW)
            try:
                if marked:
                    os.stat(MARK, dir_fd=root, follow_symlinks=False)
                others = self._below(root, "", found, 0)
            finally:
                os.close(root)
        except OSError as error:
            raise AudioUnreachableError(f"audio store {self.name} cannot be listed ({error.strerror})") from None
        found.sort(key=lambda each: each.path)
        return Scan(store=self.name, at=at, objects=tuple(found), others=others, declared=False)

    def _below(self, folder: int, prefix: str, found: list[AudioObject], depth: int) -> int:
        if depth > MAX_DEPTH:
            raise OSError(0, f"more than {MAX_DEPTH} folders below one another")
        others = 0
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda each: each.name)
        for entry in listed:
            path = prefix + entry.name
            if path == MARK:
                continue
            if entry.is_dir(follow_symlinks=False):
                below = os.open(entry.name, _FOLDER, dir_fd=folder)
                try:
                    others += self._below(below, path + "/", found, depth + 1)
                finally:
                    os.close(below)
            elif entry.is_file(follow_symlinks=False) and path.lower().endswith(self._suffixes):
                try:
                    facts = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    continue  # gone since it was listed
                found.append(AudioObject(path=path, size_bytes=facts.st_size, modified_at=facts.st_mtime_ns // 1_000))
            else:
                others += 1
        return others

    def digest(self, path: str) -> str:
        """Hash the content."""
        counted = sha256()
        for block in self.read(path, 0, 1 << 62):
            counted.update(block)
        return counted.hexdigest()

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Read a stretch of one file."""
        with self._parent(path) as (folder, name):
            if folder is None:
                raise AudioAbsentError("the recording is no longer there")
            try:
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            except FileNotFoundError:
                raise AudioAbsentError("the recording is no longer there") from None
            except OSError as error:
                raise AudioUnreachableError(f"audio store {self.name} cannot be read ({error.strerror})") from None
        try:
            while start < end and (block := os.pread(file, min(READ_BYTES, end - start), start)):
                start += len(block)
                yield block
        finally:
            os.close(file)

    def delete(self, paths: Sequence[str]) -> dict[str, AudioFailure]:
        """Remove files, and have the disk remember it before this returns."""
        failed: dict[str, AudioFailure] = {}
        touched: set[str] = set()
        for path in paths:
            try:
                with self._parent(path) as (folder, name):
                    if folder is None:
                        continue
                    facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if not stat.S_ISREG(facts.st_mode):
                        failed[path] = AudioFailure.CHANGED
                        continue
                    os.unlink(name, dir_fd=folder)
                    touched.add(path.rpartition("/")[0])
            except FileNotFoundError:
                continue
            except PermissionError:
                failed[path] = AudioFailure.REFUSED
            except OSError:
                failed[path] = AudioFailure.UNREACHABLE
        for parent in sorted(touched):
            with self._parent(f"{parent}/." if parent else ".") as (folder, _):
                if folder is not None:
                    os.fsync(folder)
        return failed

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int | None, str]]:
        """Open the folder a path stands in, one name after the other, none of them a link; None when it is gone."""
        *folders, name = path.split("/")
        opened = os.open(self._root, _FOLDER & ~os.O_NOFOLLOW)
        try:
            for each in folders:
                try:
                    below = os.open(each, _FOLDER, dir_fd=opened)
                except FileNotFoundError:
                    os.close(opened)
                    opened = -1
                    break
                os.close(opened)
                opened = below
            yield (None, name) if opened < 0 else (opened, name)
        finally:
            if opened >= 0:
                os.close(opened)
