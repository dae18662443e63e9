"""`quivive backup`: a consistent copy of a data folder, without its keys, while everything runs (DESIGN §3).

Called by the core's control socket, or by the command itself while no core runs. Must never copy anything below `keys/`
nor a secret that the configuration names, and never leave a target that looks whole before it is: all is written beside
it, synced, told in `backup.json`, and given its name last.

Order: what was seen, then the spools, then the ledger. An event leaves its spool only after the ledger has it, so that
each is in one of the two copies, and an event that is in both is stored once.
"""

import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from quivive import __version__
from quivive.ledger.checkpoint import parse_checkpoint
from quivive.ledger.log import Ledger
from quivive.model.errors import QuiviveError, StorageError
from quivive.privacy.keyring import Keyring
from quivive.settings import Settings
from quivive.spool.durable import TEMPORARY_PREFIX, make_directories, sync_directory, write_atomic

MANIFEST: Final = "backup.json"
FORMAT: Final = "quivive-backup/1"
CHECKPOINT: Final = "spine/checkpoint"
DATABASES: Final = ("intake.db", "vault.db")
"""Copied by SQLite's own backup, which is consistent under writers."""
CONFIGURATION: Final = ("quivive.toml", "controllers/*.toml", "rules/**/*")
SEALED: Final = "cases/**/*"
"""Documents that are written once and sealed under keys that are not copied."""
_LOCK: Final = "lock"
_CHUNK_BYTES: Final = 1 << 20
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600


class CopiedFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: `sha256` in hex."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`backup.json`: what was copied and which head it holds; `spine_size` 0 before the first checkpoint.

    `day_keys` are the files of `keys/days` without which a segment of this copy cannot be read.
    """

    format: str
    version: str
    made_at: int
    spine_size: int
    checkpoint_sha256: str
    day_keys: tuple[str, ...]
    files: tuple[CopiedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the command tells."""

    files: int
    size: int
    spine_size: int
    checkpoint_sha256: str


def back_up(settings: Settings, target: Path, evidence: Callable[[Path], None], now: int) -> Made:
    """Copy a home to the new folder `target`; `evidence` copies the ledger, without keys, into a folder.

    Raises:
        StorageError: the target exists, another backup writes it, or the disk refuses.
    """
    home = settings.home
    if target.exists():
        raise StorageError(f"{target}: exists already; a backup never overwrites one")
    if target.is_relative_to(home):
        raise StorageError(f"{target}: lies inside the data folder")
    work = target.with_name(TEMPORARY_PREFIX + target.name)
    try:
        make_directories(target.parent)
        with _Alone(work):
            _copy_all(settings, work, evidence)
            manifest = _manifest(work, now)
            write_atomic(work / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
            work.rename(target)
        sync_directory(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"cannot write the backup: {error}") from error
    return Made(
        files=len(manifest.files),
        size=sum(file.size for file in manifest.files),
        spine_size=manifest.spine_size,
        checkpoint_sha256=manifest.checkpoint_sha256,
    )


class _Alone:
    """An empty working folder that no other backup writes; what a killed one left is removed."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._lock = -1

    def __enter__(self) -> None:
        self._work.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        self._lock = os.open(self._work, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise StorageError(f"{self._work}: another backup writes here") from None
        for left in self._work.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)


def _copy_all(settings: Settings, work: Path, evidence: Callable[[Path], None]) -> None:
    home = settings.home
    for name in DATABASES:
        if (home / name).is_file():
            copy_database(home / name, work / name)
    for pattern in (*CONFIGURATION, SEALED, "spool/**/*"):
        for path in sorted(home.glob(pattern)):
            if path.is_file() and path.name != _LOCK and not path.name.startswith(TEMPORARY_PREFIX):
                _copy_file(path, work / path.relative_to(home))
    for name in sorted(_named(settings)):
        path = (home / name).resolve()
        if path.is_file() and path.is_relative_to(home.resolve()) and not (work / name).exists():
            _copy_file(path, work / name)
    evidence(work)
    _sync_all(work)


def _sync_all(work: Path) -> None:
    for path in work.rglob("*"):
        if path.is_file():
            path.chmod(_PRIVATE_FILE)
            _sync(path)
    for folder in (work, *(path for path in work.rglob("*") if path.is_dir())):
        folder.chmod(_PRIVATE_FOLDER)
        sync_directory(folder)


def _named(settings: Settings) -> set[str]:
    """Files that the configuration names and that hold no secret: without them it does not load."""
    names = {settings.witnesses.policy, settings.notices.smtp.ca}
    names |= {authority.roots for authority in settings.timestamps.authorities}
    for source in settings.sources.values():
        names |= {source.mapping, source.tls_certificate, source.target_ca}
    return {name for name in names if name and not name.startswith(("/", "keys/"))}


def copy_database(source: Path, target: Path) -> None:
    """Copy one SQLite database while others write it.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as read, closing(sqlite3.connect(target)) as copy:
        read.backup(copy)
        copy.execute("pragma journal_mode = delete")


def _copy_file(path: Path, target: Path) -> None:
    """Copy a file that may grow or vanish: a spool's is gone once the ledger has what it held."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_FOLDER)
    try:
        with path.open("rb") as source, target.open("xb") as destination:
            shutil.copyfileobj(source, destination, _CHUNK_BYTES)
    except FileNotFoundError:
        return


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _manifest(work: Path, now: int) -> Manifest:
    files = tuple(
        CopiedFile(path=path.relative_to(work).as_posix(), size=path.stat().st_size, sha256=sha256_of(path))
        for path in files_below(work)
    )
    checkpoint = work / CHECKPOINT
    days = sorted(path.relative_to(work / "segments").as_posix() for path in (work / "segments").glob("*/*/*"))
    return Manifest(
        format=FORMAT,
        version=__version__,
        made_at=now,
        spine_size=size_signed(checkpoint),
        checkpoint_sha256=sha256_of(checkpoint) if checkpoint.exists() else "",
        day_keys=tuple(f"{day}.json" for day in days),
        files=files,
    )


def size_signed(checkpoint: Path) -> int:
    """Entries that a signed checkpoint covers, 0 without one. The signature is for `verify` to check.

    Raises:
        StorageError: it is no checkpoint.
    """
    try:
        return parse_checkpoint(checkpoint.read_text(encoding="utf-8").partition("\n\n")[0] + "\n").size
    except FileNotFoundError:
        return 0
    except (QuiviveError, UnicodeDecodeError) as error:
        raise StorageError(f"{checkpoint}: {error}") from error


def files_below(folder: Path) -> Iterator[Path]:
    """Files of a backup in the order of their names, the manifest itself left out."""
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() and path != folder / MANIFEST:
            yield path


def sha256_of(path: Path) -> str:
    """Hash of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def evidence_of(settings: Settings) -> Callable[[Path], None]:
    """The ledger of a home that no core has open, settled first as a start would.

    Its call raises:
        StorageError: a core has it open, the keys are gone or the disk refuses.
    """

    def copy(work: Path) -> None:
        ledger = Ledger.open(settings.home, Keyring.open(settings.home), settings.slots, settings.operator.origin)
        try:
            ledger.snapshot(work, keys=False)
        finally:
            ledger.close()

    return copy
