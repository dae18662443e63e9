"""Names inside `spool/<source>/`: epochs and numbered files. Called by the writer and the reader; reads names only."""

from pathlib import Path
from typing import Final

LOCK_NAME: Final = "lock"
_NUMBER_WIDTH: Final = 6


def file_name(number: int) -> str:
    """Name of the n-th file of an epoch; numbers sort as text up to a million files (16 TB)."""
    return f"{number:0{_NUMBER_WIDTH}d}"


def epochs(source_folder: Path) -> list[int]:
    """Epochs present, oldest first."""
    if not source_folder.is_dir():
        return []
    return sorted(int(path.name) for path in source_folder.iterdir() if path.name.isdigit())


def files(epoch_folder: Path) -> list[int]:
    """Numbers of the files present in an epoch, oldest first."""
    if not epoch_folder.is_dir():
        return []
    return sorted(int(path.name) for path in epoch_folder.iterdir() if path.name.isdigit())
