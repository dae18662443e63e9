"""`outbox.db`: what waits to be told, on disk until its receiver has accepted it.

Called by the sender's thread. Must never tell one thing twice as two (a key is taken once) and never drop one silently:
what is given up is counted.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.model.clock import DAY_US, HOUR_US, SECOND_US
from quivive.model.errors import StorageError

BACK_OFF_US: Final = (
    5 * SECOND_US, 30 * SECOND_US, 120 * SECOND_US, 600 * SECOND_US, HOUR_US, 3 * HOUR_US, 6 * HOUR_US, 12 * HOUR_US,
)  # fmt: skip
"""Between attempts; the last repeats. Sums to 22 hours before it does."""
GIVE_UP_US: Final = 3 * DAY_US
"""A receiver that is away for a weekend misses nothing; a longer outage is read on the console."""
REMEMBERED_US: Final = 14 * DAY_US
"""Keys of what was told, so that it is told once."""
_SCHEMA: Final = """
create table if not exists message (
    id integer primary key, output text not null, key text not null, body blob, made_at integer not null,
    tries integer not null default 0, next_at integer not null, done text not null default '', unique (output, key)
) strict;
create index if not exists message_due on message (output, next_at) where done = '';
create table if not exists mark (output text not null, shard text not null, next integer not null,
    primary key (output, shard)) strict, without rowid;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One message that is due."""

    id: int
    key: str
    body: bytes
    made_at: int
    tries: int


class Outbox:
    """One open database, one thread."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise StorageError(f"{path}: {error}") from error
        path.chmod(0o600)

    def close(self) -> None:
        self._db.close()

    def marks(self, output: str) -> dict[str, int]:
        """How far the ledger was read for an output, by shard."""
        return dict(self._db.execute("select shard, next from mark where output = ?", (output,)))

    def put(self, output: str, bodies: Mapping[str, bytes], marks: Mapping[str, int], now: int) -> int:
        """Keep messages by key, and how far was read, in one transaction; returns how many are new."""
        self._db.execute("begin immediate")
        try:
            before = self._db.total_changes
            self._db.executemany(
                "insert or ignore into message (output, key, body, made_at, next_at) values (?, ?, ?, ?, ?)",
                [(output, key, body, now, now) for key, body in bodies.items()],
            )
            new = self._db.total_changes - before
            self._db.executemany(
                "insert or replace into mark values (?, ?, ?)", [(output, *mark) for mark in marks.items()]
            )
            self._db.execute("commit")
        except sqlite3.Error:
            self._db.execute("rollback")
            raise
        return new

    def due(self, output: str, now: int, limit: int) -> list[Waiting]:
        """The oldest messages whose time has come."""
        rows = self._db.execute(
            "select id, key, body, made_at, tries from message where output = ? and done = '' and next_at <= ?"
            " order by id limit ?",
            (output, now, limit),
        )
        return [Waiting(id=r[0], key=r[1], body=r[2], made_at=r[3], tries=r[4]) for r in rows]

    def accepted(self, message: Waiting) -> None:
        """Told: only its key is remembered."""
        self._db.execute("update message set done = 'told', body = null where id = ?", (message.id,))

    def failed(self, message: Waiting, now: int) -> bool:
        """Not told: try later, or give up; tells whether it was given up."""
        if now - message.made_at >= GIVE_UP_US:
            self._db.execute("update message set done = 'given_up', body = null where id = ?", (message.id,))
            return True
        wait = BACK_OFF_US[min(message.tries, len(BACK_OFF_US) - 1)]
        self._db.execute("update message set tries = tries + 1, next_at = ? where id = ?", (now + wait, message.id))
        return False

    def forget(self, now: int) -> None:
        """Drop keys that nothing can repeat any more."""
        self._db.execute("delete from message where done <> '' and made_at < ?", (now - REMEMBERED_US,))

    def counts(self) -> dict[tuple[str, str], int]:
        """Messages by output and state (`waiting`, `told`, `given_up`)."""
        rows = self._db.execute("select output, iif(done = '', 'waiting', done), count(*) from message group by 1, 2")
        return {(output, state): count for output, state, count in rows}
