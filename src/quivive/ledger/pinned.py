"""The heads of a folder, read once at the start of a verification, so that a folder in use can be checked.

Called by `verify`. What heads cover only grows: tiles, bundles and segments read afterwards hold at least that much.
Must never write a file, wait for long, or wait at all for a folder that no ledger has open.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.spool.durable import TEMPORARY_PREFIX

MAX_TRIES: Final = 40
"""Readings of the heads before a publication is taken for an interrupted one."""
PAUSE_S: Final = 0.025
"""Between two of them: a publication takes a few milliseconds."""
SLOTS: Final = "spine/slots.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """Bytes of the heads by file, as they stood at one moment. `in_use`: a ledger has the folder open."""

    in_use: bool
    files: dict[Path, bytes]


def pin(home: Path) -> Pinned:
    """Read slots, journals and checkpoints; of a folder in use, at a moment when no publication is under way.

    Raises:
        OSError: a file is there and cannot be read.
    """
    files: dict[Path, bytes] = {}
    for _ in range(MAX_TRIES):
        in_use = _in_use(home)
        files = dict(_read(home))
        if not in_use or (_settled(home, files) and dict(_read(home)) == files):
            return Pinned(in_use=in_use, files=files)
        time.sleep(PAUSE_S)
    return Pinned(in_use=True, files=files)


def _in_use(home: Path) -> bool:
    """Whether a ledger holds the lock of the folder."""
    try:
        descriptor = os.open(home / "spine" / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _read(home: Path) -> Iterator[tuple[Path, bytes]]:
    spine, log = home / "spine", home / "log"
    journals = sorted((spine / "journal").iterdir()) if (spine / "journal").is_dir() else []
    for path in (home / SLOTS, *journals, spine / "checkpoint", *sorted(log.rglob("checkpoint"))):
        with contextlib.suppress(FileNotFoundError):
            yield path, path.read_bytes()


def _settled(home: Path, files: dict[Path, bytes]) -> bool:
    """Each log's journal holds the head that its checkpoint shows; a log's first journal precedes its checkpoint."""
    journal = home / "spine" / "journal"
    shown: dict[Path, bytes] = {}
    for path, data in files.items():
        if path.name == "checkpoint":
            name = "spine" if path.parent == home / "spine" else f"{path.parent.parent.name}-{path.parent.name}"
            shown[journal / name] = data
    written = {
        path: data
        for path, data in files.items()
        if path.parent == journal and not path.name.startswith(TEMPORARY_PREFIX)
    }
    return shown == written
