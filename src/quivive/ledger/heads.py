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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from quivive.model.errors import StorageError

_SCHEMA_VERSION: Final = 2
MAX_RUN_FRAMES: Final = 64
MAX_RUN_BYTES: Final = 1024 * 1024
"""Frames that follow each other in one file share a row of the index up to either: live ingestion writes many
small frames, and reading one entry reads one run."""
_CACHE: Final = ("shards", "runs", "extents", "ranges", "cursors")
_SCHEMA: Final = """
create table if not exists heads (log text primary key, size integer not null, root blob not null) without rowid;
create table if not exists shards (shard text primary key, next integer not null) without rowid;
create table if not exists runs (
    shard text not null, first integer not null, count integer not null,
    path text not null, start integer not null, length integer not null, frames integer not null,
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
    """Where a frame, or a run of `frames` that follow each other, lies: `path` below the home."""

    shard: str
    first: int
    count: int
    path: str
    start: int
    length: int
    frames: int = 1

    def joined(self, following: "FramePlace") -> "FramePlace | None":
        """This run with a frame behind it, or None when the frame begins a new run."""
        if (self.path, self.start + self.length, self.first + self.count) != (
            following.path,
            following.start,
            following.first,
        ):
            return None
        if self.frames >= MAX_RUN_FRAMES or self.length + following.length > MAX_RUN_BYTES:
            return None
        return replace(
            self,
            count=self.count + following.count,
            length=self.length + following.length,
            frames=self.frames + following.frames,
        )


class HeadConflictError(StorageError):
    """Another root or size stands where we expected ours: two writers, or a rolled-back database."""


class Heads:
    """One open database; usable from several threads, one at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._path = path
        self._last_runs: dict[str, FramePlace] = {}
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            version = self._db.execute("pragma user_version").fetchone()[0]
            if version > _SCHEMA_VERSION:
                raise StorageError(f"{path}: schema version {version}; upgrade Quivive")
            if version < _SCHEMA_VERSION:  # the cache is rebuilt from the segments, heads stay
                for table in (*_CACHE, "frames"):
                    self._db.execute(f"drop table if exists {table}")
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
        runs: dict[str, FramePlace] = {}
        with self._transaction(durable=False) as db:
            for frame in frames:
                last = runs.get(frame.shard) or self._last_run(frame.shard)
                run = (last.joined(frame) if last else None) or frame
                runs[frame.shard] = run
                place = (run.shard, run.first, run.count, run.path, run.start, run.length, run.frames)
                db.execute("insert or replace into runs values (?, ?, ?, ?, ?, ?, ?)", place)
                db.execute("insert or replace into shards values (?, ?)", (frame.shard, frame.first + frame.count))
                db.execute("insert or replace into extents values (?, ?)", (frame.path, frame.start + frame.length))
            db.executemany(
                "insert or replace into ranges values (?, ?, ?)",
                [(source, epoch, json.dumps(intervals)) for source, epoch, intervals in ranges],
            )
            db.executemany("insert or replace into cursors values (?, ?, ?)", list(cursors))
        self._last_runs.update(runs)

    def replace_file(self, path: str, frames: Iterable[FramePlace]) -> None:
        """Forget what a segment file held, and remember what it holds now (nothing when it is gone)."""
        with self._transaction(durable=True) as db:
            db.execute("delete from runs where path = ?", (path,))
            db.execute("delete from extents where path = ?", (path,))
            for frame in frames:
                place = (frame.shard, frame.first, frame.count, frame.path, frame.start, frame.length, frame.frames)
                db.execute("insert or replace into runs values (?, ?, ?, ?, ?, ?, ?)", place)
                db.execute("insert or replace into extents values (?, ?)", (frame.path, frame.start + frame.length))
        with self._lock:
            self._last_runs.clear()

    def forget_log(self, name: str, shard_prefix: str = "") -> None:
        """Forget a log that ended and its frames; `shard_prefix` begins the paths of its segments."""
        with self._transaction(durable=True) as db:
            db.execute("delete from heads where log = ?", (name,))
            db.execute("delete from shards where shard = ?", (name,))
            db.execute("delete from runs where shard = ?", (name,))
            if shard_prefix:
                db.execute("delete from extents where path like ? || '%'", (shard_prefix,))
        with self._lock:
            self._last_runs.clear()

    def shards(self) -> list[tuple[str, int]]:
        """Shards that have frames, with their next index."""
        return [(shard, following) for shard, following in self._all("select shard, next from shards order by shard")]

    def runs(self, shard: str, index: int, limit: int) -> list[FramePlace]:
        """Runs of frames of a shard that hold `index` or follow it, in order."""
        start = self._all("select max(first) from runs where shard = ? and first <= ?", (shard, index))[0][0]
        rows = self._all(
            "select shard, first, count, path, start, length, frames from runs where shard = ? and first >= ?"
            " and first + count > ? order by first limit ?",
            (shard, index if start is None else start, index, limit),
        )
        return [_place(row) for row in rows]

    def runs_of(self, path: str) -> list[FramePlace]:
        """Every run of one segment file, in order of shard and index."""
        rows = self._all(
            "select shard, first, count, path, start, length, frames from runs where path = ? order by shard, first",
            (path,),
        )
        return [_place(row) for row in rows]

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

    def _last_run(self, shard: str) -> FramePlace | None:
        if shard not in self._last_runs:
            rows = self._all("select * from runs where shard = ? order by first desc limit 1", (shard,))
            if not rows:
                return None
            self._last_runs[shard] = _place(rows[0])
        return self._last_runs[shard]

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


def _place(row: tuple[Any, ...]) -> FramePlace:
    shard, first, count, path, start, length, frames = row
    return FramePlace(shard=shard, first=first, count=count, path=path, start=start, length=length, frames=frames)
