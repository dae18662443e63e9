"""`spine/heads.db`: heads by compare-and-swap, and a cache of what the segment files say.

Called by publication and append. Heads are the single source of what may be signed and are synced at once; the
index of frames, the ranges and the cursors are a cache: behind after a power cut, rebuilt when deleted, never ahead
of the frames. Must never decide anything: it stores and refuses.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from quivive.model.errors import StorageError

_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
create table if not exists heads (log text primary key, size integer not null, root blob not null) without rowid;
create table if not exists frames (
    shard text not null, first integer not null, count integer not null,
    path text not null, start integer not null, length integer not null,
    primary key (shard, first)) without rowid;
create table if not exists extents (path text primary key, size integer not null) without rowid;
create table if not exists ranges (
    source text not null, epoch integer not null, intervals text not null, primary key (source, epoch)) without rowid;
create table if not exists cursors (
    source text primary key, epoch integer not null, seq integer not null) without rowid;
create table if not exists announced (log text primary key) without rowid;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePlace:
    """Where a frame lies: `path` below the home."""

    shard: str
    first: int
    count: int
    path: str
    start: int
    length: int


class HeadConflictError(StorageError):
    """Another root or size stands where we expected ours: two writers, or a rolled-back database."""


class Heads:
    """One open database; usable from several threads, one at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._path = path
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            version = self._db.execute("pragma user_version").fetchone()[0]
            if version not in (0, _SCHEMA_VERSION):
                raise StorageError(f"{path}: schema version {version}; upgrade Quivive")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"pragma user_version = {_SCHEMA_VERSION}")
        except sqlite3.Error as error:
            raise StorageError(f"{path}: {error}; it is a cache: move it away and start again") from error
        path.chmod(0o600)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def head(self, log: str) -> tuple[int, bytes] | None:
        """Size and root that may be signed."""
        rows = self._all("select size, root from heads where log = ?", (log,))
        return (rows[0][0], rows[0][1]) if rows else None

    def swap_head(self, log: str, old: tuple[int, bytes] | None, new: tuple[int, bytes]) -> None:
        """Move a head from what it was to what it becomes, durable on return.

        Raises:
            HeadConflictError: it is not what the caller believes; nothing may be signed.
        """
        with self._transaction(durable=True) as db:
            row = db.execute("select size, root from heads where log = ?", (log,)).fetchone()
            found = (row[0], row[1]) if row else None
            if found != old or (old is not None and (new[0] < old[0] or (new[0] == old[0] and new[1] != old[1]))):
                raise HeadConflictError(f"log {log}: the head is not the expected one; nothing is signed")
            db.execute("insert or replace into heads values (?, ?, ?)", (log, *new))

    def record(
        self,
        frames: Iterable[FramePlace],
        ranges: Iterable[tuple[str, int, list[tuple[int, int]]]],
        cursors: Iterable[tuple[str, int, int]],
    ) -> None:
        """Remember frames that are already durable, in one transaction that is not itself synced."""
        with self._transaction(durable=False) as db:
            for frame in frames:
                db.execute(
                    "insert or replace into frames values (?, ?, ?, ?, ?, ?)",
                    (frame.shard, frame.first, frame.count, frame.path, frame.start, frame.length),
                )
                db.execute("insert or replace into extents values (?, ?)", (frame.path, frame.start + frame.length))
            db.executemany(
                "insert or replace into ranges values (?, ?, ?)",
                [(source, epoch, json.dumps(intervals)) for source, epoch, intervals in ranges],
            )
            db.executemany("insert or replace into cursors values (?, ?, ?)", list(cursors))

    def shards(self) -> list[tuple[str, int]]:
        """Shards that have frames, with their next index."""
        query = "select shard, max(first) from frames group by shard order by shard"
        return [(shard, self._next(shard, first)) for shard, first in self._all(query)]

    def frames(self, shard: str, index: int, limit: int) -> list[FramePlace]:
        """Frames of a shard that hold `index` or follow it, in order."""
        start = self._all("select max(first) from frames where shard = ? and first <= ?", (shard, index))[0][0]
        rows = self._all(
            "select shard, first, count, path, start, length from frames where shard = ? and first >= ?"
            " and first + count > ? order by first limit ?",
            (shard, index if start is None else start, index, limit),
        )
        return [FramePlace(shard=r[0], first=r[1], count=r[2], path=r[3], start=r[4], length=r[5]) for r in rows]

    def extents(self) -> dict[str, int]:
        """Segment files and the length that is known good."""
        return dict(self._all("select path, size from extents"))

    def ranges(self) -> Iterator[tuple[str, int, list[tuple[int, int]]]]:
        """Every (source, epoch) and its intervals."""
        for source, epoch, text in self._all("select source, epoch, intervals from ranges"):
            yield source, epoch, [(start, end) for start, end in json.loads(text)]

    def cursors(self) -> dict[str, tuple[int, int]]:
        """How far each source was taken."""
        rows = self._all("select source, epoch, seq from cursors")
        return {source: (epoch, seq) for source, epoch, seq in rows}

    def announced(self, log: str) -> bool:
        """Whether the spine already holds this log's key event."""
        return bool(self._all("select 1 from announced where log = ?", (log,)))

    def announce(self, log: str) -> None:
        """Remember that it does."""
        with self._transaction(durable=False) as db:
            db.execute("insert or ignore into announced values (?)", (log,))

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise StorageError(f"{self._path}: {error}") from error

    def _next(self, shard: str, first: int) -> int:
        rows = self._all("select count from frames where shard = ? and first = ?", (shard, first))
        return first + int(rows[0][0])

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
                self._db.execute("begin immediate")
            except sqlite3.Error as error:
                raise StorageError(f"{self._path}: {error}") from error
            try:
                yield self._db
                self._db.execute("commit")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                if isinstance(error, sqlite3.Error):
                    raise StorageError(f"{self._path}: {error}") from error
                raise
