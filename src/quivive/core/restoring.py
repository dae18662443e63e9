"""`quivive restore`: puts a backup into an empty data folder and shows that it is the same (docs/backup.md).

Called by the command, while no core runs. Must never write over a folder that holds evidence, never roll back a head
that was signed, and never take a file whose hash is not the one of the manifest.

`quivive.toml` is put in place last: a home that was restored half does not start, and is restored again.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from quivive.core.backup import CHECKPOINT, FORMAT, MANIFEST, Manifest, files_below, sha256_of, size_signed
from quivive.ledger.finding import Exit, Report
from quivive.ledger.verify import verify_home
from quivive.model.errors import StorageError
from quivive.settings import SETTINGS_FILE
from quivive.spool.durable import TEMPORARY_PREFIX, make_directories, sync_directory, write_all

KEYS: Final = "keys"
UNDER_WAY: Final = f"{TEMPORARY_PREFIX}restore"
"""Folder of the home that stands while a restoration is not finished."""
_CHUNK_BYTES: Final = 1 << 20
_PRIVATE_FOLDER: Final = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What the command tells: `outcome` is None when nothing was verified."""

    files: int
    made_at: int
    spine_size: int
    checkpoint_sha256: str
    keys_missing: int
    outcome: Exit | None = None


def read_manifest(source: Path) -> Manifest:
    """Read and check a backup: every file of the manifest is there with its hash, and nothing else.

    Raises:
        StorageError: it is not a whole backup.
    """
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
        found = {path.relative_to(source).as_posix() for path in files_below(source)}
    except FileNotFoundError:
        raise StorageError(f"{source}: no backup here, or one that was never finished") from None
    except (OSError, msgspec.DecodeError) as error:
        raise StorageError(f"{source}: the manifest cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise StorageError(f"{source}: written in another format, {manifest.format}")
    told = {file.path for file in manifest.files}
    if different := sorted(found ^ told):
        raise StorageError(f"{source}: files that are missing or too many: {', '.join(different[:3])}")
    if any(_leads_out(path) for path in told):
        raise StorageError(f"{source}: a path of the manifest leads out of the backup, or to keys")
    return manifest


def restore(home: Path, source: Path, *, held: Sequence[Path] = (), verify: bool = True) -> tuple[Restored, Report]:
    """Restore into `home`, which holds nothing but `keys/`, put there from their own backup.

    `held` are checkpoints of the operator's log that somebody kept: the backup must not be behind any.

    Raises:
        StorageError: the backup is not whole, the home is not empty, or a signed head would be rolled back.
    """
    manifest = read_manifest(source)
    _refuse_rollback(home, manifest, held)
    try:
        _place(home, source, manifest)
    except OSError as error:
        raise StorageError(f"cannot restore: {error.strerror}") from error
    report = verify_home(home, held=held) if verify else Report()
    missing = sum(not (home / KEYS / "days" / name).is_file() for name in manifest.day_keys)
    return Restored(
        files=len(manifest.files),
        made_at=manifest.made_at,
        spine_size=manifest.spine_size,
        checkpoint_sha256=sha256_of(home / CHECKPOINT) if manifest.spine_size else "",
        keys_missing=missing,
        outcome=report.exit_code if verify else None,
    ), report


def _leads_out(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return not parts or parts[0] in {KEYS, "/", UNDER_WAY} or ".." in parts


def _refuse_rollback(home: Path, manifest: Manifest, held: Sequence[Path]) -> None:
    under_way = (home / UNDER_WAY).is_dir() and not (home / SETTINGS_FILE).exists()
    known = [*held, *(home / name for name in (CHECKPOINT, "spine/journal/spine") if not under_way)]
    ahead = max((size_signed(path) for path in known), default=0)
    if ahead > manifest.spine_size:
        raise StorageError(
            f"a head of {ahead} entries is signed, the backup holds {manifest.spine_size}: restoring it would roll back"
        )
    if not under_way and home.is_dir() and any(path.name != KEYS for path in home.iterdir()):
        raise StorageError(f"{home}: not empty; a backup is restored beside keys/ alone")


def _place(home: Path, source: Path, manifest: Manifest) -> None:
    work = home / UNDER_WAY
    tops = sorted(
        {PurePosixPath(file.path).parts[0] for file in manifest.files}, key=lambda name: name == SETTINGS_FILE
    )
    if work.is_dir():  # an interrupted one: what it put in place is copied again
        for name in (UNDER_WAY, *tops):
            _remove(home / name)
    make_directories(work)
    home.chmod(_PRIVATE_FOLDER)
    for file in manifest.files:
        _copy(source / file.path, work / file.path)
        if sha256_of(work / file.path) != file.sha256:
            raise StorageError(f"{file.path}: another hash than the manifest's; the backup was altered or is damaged")
    for folder in (work, *(path for path in work.rglob("*") if path.is_dir())):
        sync_directory(folder)
    for name in tops:
        (work / name).rename(home / name)
    sync_directory(home)
    work.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_FOLDER)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with source.open("rb") as file:
            while data := file.read(_CHUNK_BYTES):
                write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
