"""What a folder watch remembers between two lives of the core: which contents were taken, how far the feed has come.

Used by `folder` and `follow`. Must never hold a value of a file: digests, sizes and instants only.
"""

from pathlib import Path
from typing import Final

import msgspec
import structlog

from quivive.model.errors import StorageError
from quivive.spool.durable import write_atomic

MAX_REMEMBERED: Final = 5_000
"""Files remembered: a file every ten minutes for a month; rows of an older one are known to the intake."""

log = structlog.get_logger("quivive.files")


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One file content that was dealt with. `mtime_ns`: as it lay in the folder. `whole`: no row was refused.

    A content that was not whole is read again when it is delivered again: the mapping may have been mended.
    """

    digest: str
    at: int
    mtime_ns: int
    whole: bool


class FolderState(msgspec.Struct, kw_only=True):
    """State of one source. `complete_to`: microseconds, 0 before the first file."""

    complete_to: int = 0
    taken: list[Taken] = []

    def known(self, digest: str) -> Taken | None:
        """The former sighting of a content."""
        return next((each for each in self.taken if each.digest == digest), None)

    def remember(self, taken: Taken) -> None:
        """Add a content; the oldest is forgotten first."""
        self.taken = [*[each for each in self.taken if each.digest != taken.digest], taken][-MAX_REMEMBERED:]


def load_state(path: Path) -> FolderState:
    """Read the state; a missing or damaged one costs duplicates, which the intake knows."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=FolderState)
    except FileNotFoundError:
        return FolderState()
    except (OSError, msgspec.DecodeError) as error:
        log.warning("files.state_unreadable", state=path.name, reason=type(error).__name__)
        return FolderState()


def save_state(path: Path, state: FolderState) -> None:
    """Write the state, whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, msgspec.json.encode(state))
    except OSError as error:
        raise StorageError(f"state of a folder cannot be written: {error.strerror}") from error
