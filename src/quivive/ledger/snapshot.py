"""A copy of the evidence that a running ledger can be verified from, without stopping it.

Called by the ledger for the console's story and for `quivive backup`. Must never copy a head without what it covers:
heads first, while nothing is published, then tiles and segments, which only grow.
"""

import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from quivive.ledger.heads import Heads
from quivive.ledger.published import VKEY_FILES
from quivive.ledger.removal import FOLDER as REMOVALS_FOLDER
from quivive.model.errors import StorageError
from quivive.spool.durable import TEMPORARY_PREFIX

_HEAD_FILES: Final = ("spine/checkpoint", "spine/slots.json", *(f"spine/{name}" for name in VKEY_FILES))
_MAX_LISTINGS: Final = 10  # a folder whose files go on vanishing under our hands is none of ours


def copy_evidence(
    home: Path, target: Path, heads: Heads, nothing_is_published: AbstractContextManager[bool], *, keys: bool
) -> None:
    """Copy heads, tiles, records of removals, the acknowledged part of the segments, and `keys` or not, into `target`.

    Raises:
        StorageError: something cannot be read or written.
    """
    try:
        with nothing_is_published:
            small = [home / name for name in _HEAD_FILES]
            small += (home / "spine" / "journal").glob("*")
            small += (home / "spine" / "anchors").glob("*")
            small += (home / REMOVALS_FOLDER).glob("*")
            for name in (*VKEY_FILES, "checkpoint"):
                small += (home / "log").rglob(name)
            for path in small:
                if path.is_file() and not path.name.startswith(TEMPORARY_PREFIX):
                    _copy(home, target, path)
            extents = heads.extents()
        for folder in [home / "spine" / "tile", *(path for path in (home / "log").rglob("tile") if path.is_dir())]:
            for inner in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
                _copy_files(home, target, inner)
        for relative, length in extents.items():
            _copy(home, target, home / relative, length)
        if keys and (home / "keys").is_dir():
            shutil.copytree(home / "keys", target / "keys")
    except OSError as error:
        raise StorageError(f"cannot copy the evidence: {error.strerror}") from error


def _copy_files(home: Path, target: Path, folder: Path) -> None:
    """Copy the files of one folder; list it again when one was superseded meanwhile, so that a wider one is taken."""
    for _ in range(_MAX_LISTINGS):
        try:
            for path in folder.iterdir():
                if path.is_file() and not path.name.startswith(TEMPORARY_PREFIX):
                    _copy(home, target, path)
        except FileNotFoundError:
            continue
        return


def _copy(home: Path, target: Path, path: Path, length: int = -1) -> None:
    copied = target / path.relative_to(home)
    copied.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as source, copied.open("wb") as destination:
        if length < 0:
            shutil.copyfileobj(source, destination)
            return
        while length:
            data = source.read(min(length, 1 << 20))
            if not data:
                return
            destination.write(data)
            length -= len(data)
