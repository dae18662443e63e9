"""What was removed from the segments, and how far each removal has come: `spine/purges/<id>.json` (DESIGN §7).

Read by the ledger at its start and whenever it reads; written by `ledger.purge`. A record holds places, numbers and
hashes: no key, no event. Its state only moves forward, and each state is durable before the next step begins, so that
a kill between any two steps is resumed where it stood. Must never call something removed that is still to be read.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from quivive.model.errors import StorageError
from quivive.model.purge import PurgedWhat, PurgeRule, RemovedRange
from quivive.spool.durable import TEMPORARY_PREFIX, make_directories, write_atomic

FOLDER: Final = "spine/purges"
_VERSION: Final = 1


class RemovalState(StrEnum):
    """PLANNED: nothing is read any more, everything may still be there. READY: a rewritten segment stands beside.

    REMOVED: keys and files are gone. CERTIFIED: a search found nothing, and the certificate is written.
    """

    PLANNED = "planned"
    READY = "ready"
    REMOVED = "removed"
    CERTIFIED = "certified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One removal. Fields as in `CertificateBody`; `sources` are the numbers of the removed events.

    `sources`: (source, epoch, closed intervals of seq), so that a redelivered event is known even without its frame.
    `keys`: ids of the frames' keys; for a controller, the id of its log.
    """

    id: str
    what: PurgedWhat
    controller: str
    retention_class: str
    day: str
    rule: PurgeRule
    state: RemovalState
    planned_at: int
    planned_by: str
    approved_by: str
    approval: str
    policy: str
    declared_days: int
    count: int
    root: str
    keys: tuple[str, ...]
    ranges: tuple[RemovedRange, ...]
    sources: tuple[tuple[str, int, tuple[tuple[int, int], ...]], ...]
    executed_at: int = 0

    @property
    def path(self) -> str:
        """Segment file below the home."""
        return f"segments/{self.controller}/{self.retention_class}/{self.day}"


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """Removed indices [first, end) of one shard."""

    first: int
    end: int
    removal: str
    day: str


class Removals:
    """Every record of a home, in memory; `save` is durable on return."""

    def __init__(self, home: Path) -> None:
        self._home, self._folder = home, home / FOLDER
        self._records: dict[str, Removal] = {}
        self._stretches: dict[str, list[Stretch]] = {}
        self._closing: set[tuple[str, str, str]] = set()
        for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
            if not path.name.startswith(TEMPORARY_PREFIX):
                record = _read(path)
                self._records[record.id] = record
        self._index()

    def records(self) -> list[Removal]:
        """All of them, the oldest first."""
        return sorted(self._records.values(), key=lambda record: (record.planned_at, record.id))

    def get(self, removal: str) -> Removal:
        """One record."""
        return self._records[removal]

    def incomplete(self) -> list[Removal]:
        """Begun and not certified."""
        return [record for record in self.records() if record.state is not RemovalState.CERTIFIED]

    def save(self, record: Removal) -> Removal:
        """Write a record, durable on return.

        Raises:
            StorageError: the disk refused; the state is the one before.
        """
        document = {"v": _VERSION, **asdict(record)}
        try:
            make_directories(self._folder)
            write_atomic(self._folder / f"{record.id}.json", json.dumps(document, sort_keys=True).encode())
        except OSError as error:
            raise StorageError(f"cannot write {self._folder}: {error.strerror}") from error
        self._records[record.id] = record
        self._index()
        return record

    def advance(self, record: Removal, state: RemovalState, **fields: Any) -> Removal:
        """Save the record in its next state."""
        return self.save(replace(self._records[record.id], state=state, **fields))

    def forget(self, record: Removal) -> None:
        """Remove a record itself (its controller ended)."""
        (self._folder / f"{record.id}.json").unlink(missing_ok=True)
        self._records.pop(record.id, None)
        self._index()

    def close(self, controller: str, retention_class: str, day: str) -> None:
        """From now on the day takes no event; not durable before its record is."""
        self._closing.add((controller, retention_class, day))

    def reopen(self, controller: str, retention_class: str, day: str) -> None:
        """The day was not purged after all."""
        self._closing.discard((controller, retention_class, day))

    def closed(self, controller: str, retention_class: str, day: str) -> bool:
        """Whether a day was purged, or is about to be: it takes no event."""
        return (controller, retention_class, day) in self._closing

    def at(self, shard: str, index: int) -> Stretch | None:
        """The removed stretch that holds an index."""
        stretches = self._stretches.get(shard)
        if not stretches:
            return None
        found = stretches[bisect_right(stretches, index, key=lambda each: each.first) - 1]
        return found if found.first <= index < found.end else None

    def next_from(self, shard: str, index: int, otherwise: int) -> int:
        """Where the next removed stretch at or after an index begins."""
        stretches = self._stretches.get(shard, [])
        at = bisect_right(stretches, index - 1, key=lambda each: each.first)
        return min(stretches[at].first, otherwise) if at < len(stretches) else otherwise

    def skip(self, shard: str, index: int) -> int:
        """First index at or after this one that was not removed."""
        while (stretch := self.at(shard, index)) is not None:
            index = stretch.end
        return index

    def shards(self) -> set[str]:
        """Shards that lost something."""
        return set(self._stretches)

    def numbers(self) -> Iterator[tuple[str, int, tuple[tuple[int, int], ...]]]:
        """Numbers of the removed events by source and epoch."""
        for record in self._records.values():
            yield from record.sources

    def _index(self) -> None:
        stretches: dict[str, list[Stretch]] = {}
        for record in self._records.values():
            for each in record.ranges if record.what is not PurgedWhat.CONTROLLER else ():
                found = Stretch(each.first, each.first + each.count, record.id, record.day)
                stretches.setdefault(each.shard, []).append(found)
            if record.what is PurgedWhat.DAY:
                self._closing.add((record.controller, record.retention_class, record.day))
        for found_all in stretches.values():
            found_all.sort()
        self._stretches = stretches


def joined(ranges: Iterable[RemovedRange]) -> tuple[RemovedRange, ...]:
    """Ranges in order, those that follow each other as one."""
    result: list[RemovedRange] = []
    for each in sorted(ranges, key=lambda each: (each.shard, each.first)):
        last = result[-1] if result else None
        if last is not None and last.shard == each.shard and last.first + last.count == each.first:
            result[-1] = replace(last, count=last.count + each.count)
        else:
            result.append(each)
    return tuple(result)


def _read(path: Path) -> Removal:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        if document.pop("v") != _VERSION:
            raise StorageError(f"{path}: a removal of another version; upgrade Quivive")
        document |= {
            "what": PurgedWhat(document["what"]),
            "rule": PurgeRule(document["rule"]),
            "state": RemovalState(document["state"]),
            "keys": tuple(document["keys"]),
            "ranges": tuple(RemovedRange(**each) for each in document["ranges"]),
            "sources": tuple(
                (source, epoch, tuple((start, end) for start, end in numbers))
                for source, epoch, numbers in document["sources"]
            ),
        }
        return Removal(**document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path}: not a record of a removal ({type(error).__name__})") from error
