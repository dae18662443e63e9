"""What every audio store can do, and what an object of it is (DESIGN §10). The edge files beside this one do it.

Called by plan, purge and playback. Must never let a path leave this process: entries, logs and pages know an object
by its key alone, which is made here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from quivive.model.audio import AudioFailure
from quivive.model.errors import QuiviveError
from quivive.privacy.pseudonym import ControllerKeys, audio_key

READ_BYTES: Final = 64 * 1024
"""Bytes of one read of a sound: four seconds of telephone quality."""
SETTLING_US: Final = 60_000_000
"""An object changed less than a minute ago may still be written."""


class AudioUnreachableError(QuiviveError):
    """A store did not answer, or refuses to be listed. Names the store, never an object."""


class AudioAbsentError(QuiviveError):
    """The object is no longer there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioObject:
    """One object as its store lists it. `path` stays in memory. `versions`: how many copies the store itself keeps.

    `modified_at`: the store's own date, microseconds UTC: when it was written there, not when the call took place.
    `told`: what a vendor's listing says of it; empty for a store that we read.
    """

    path: str
    size_bytes: int
    modified_at: int
    versions: int = 1
    told: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One look at a whole store. `others`: objects that are no sound, counted only. `at`: when it began."""

    store: str
    at: int
    objects: tuple[AudioObject, ...]
    others: int
    declared: bool


class AudioStore(Protocol):
    """A place where sound is kept. Synchronous: called from a thread. Nobody else is trusted to leave it unchanged.

    Ordering: `scan` after `delete` shows what is left, all versions included, deleted ones that the store still
    keeps too. `declared`: what it says is a vendor's word, which we cannot check; nothing can be read or removed.
    Raises AudioUnreachableError when the store does not answer as a whole. `mark` leaves a sign by which a scan with
    `marked` knows the place again: an unmounted share is an empty folder, and would prove that everything is gone.
    """

    @property
    def name(self) -> str: ...
    @property
    def declared(self) -> bool: ...

    def mark(self) -> None: ...

    def scan(self, at: int, *, marked: bool = False) -> Scan:
        """List every object. `at`: now; a vendor's listing answers with its own date."""
        ...

    def digest(self, path: str) -> str:
        """SHA-256 of the content, 64 hex digits. Raises AudioAbsentError."""
        ...

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Bytes [start, end). Raises AudioAbsentError."""
        ...

    def delete(self, paths: Sequence[str]) -> dict[str, AudioFailure]:
        """Remove objects with every version; those that could not be, with the reason. An absent one is removed."""
        ...


def audio_id(keys: ControllerKeys, store: str, path: str) -> str:
    """Key of one object: the same whenever a file of this name comes back to this place."""
    return audio_key(keys, store, path)
