"""`intake.db`: digests of rows already taken, so that a batch sent twice adds nothing (issue 2 item 3).

Called by `intake.accept`, from one thread at a time. Must never hold more than digests of keyed
pseudonyms, and never be the only guard: identifiers in the bodies are deterministic, so the projection
ignores a double that slips through (a crash between the spool and this table, or a row older than the memory).
"""

import contextlib
import sqlite3
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from quivive.model.clock import DAY_US
from quivive.model.errors import StorageError

MAX_SEEN_DAYS: Final = 35
"""Days a digest is remembered: a month-end file sent again still counts as a duplicate."""
_LOOK_UP: Final = 500
"""Digests asked for in one statement; below SQLite's limit of 32,766 variables."""


class SeenTable:
    """Digests by day of receipt. Open one per process."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._purged_day = -1

    @classmethod
    def open(cls, path: Path) -> "SeenTable":
        """Open or create the table.

        Raises:
            StorageError: the file cannot be opened or is no such database.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            path.chmod(0o600)
            connection.execute("pragma journal_mode = wal")
            # The spool is the durable truth; a power cut may only make us forget, which costs a double.
            connection.execute("pragma synchronous = normal")
            connection.execute(
                "create table if not exists seen (digest blob primary key, day integer not null) without rowid"
            )
            connection.execute("create index if not exists seen_day on seen (day)")
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{path.name}: cannot be opened: {type(error).__name__}") from error
        return cls(connection)

    def known(self, digests: Sequence[bytes]) -> set[bytes]:
        """Tell which of these rows were taken before.

        Raises:
            StorageError: the table cannot be read.
        """
        found: set[bytes] = set()
        with self._lock:
            try:
                for start in range(0, len(digests), _LOOK_UP):
                    asked = digests[start : start + _LOOK_UP]
                    marks = ",".join("?" * len(asked))
                    rows = self._connection.execute(f"select digest from seen where digest in ({marks})", asked)
                    found.update(row[0] for row in rows)
            except sqlite3.Error as error:
                raise StorageError(f"intake.db: cannot be read: {type(error).__name__}") from error
        return found

    def add(self, digests: Collection[bytes], now: int) -> None:
        """Remember rows that are durable; once a day, forget those older than MAX_SEEN_DAYS.

        Raises:
            StorageError: the table cannot be written; the rows are durable all the same.
        """
        day = now // DAY_US
        with self._lock:
            try:
                self._connection.execute("begin immediate")
                self._connection.executemany(
                    "insert or ignore into seen values (?, ?)", ((digest, day) for digest in digests)
                )
                if day != self._purged_day:
                    self._connection.execute("delete from seen where day < ?", (day - MAX_SEEN_DAYS,))
                    self._purged_day = day
                self._connection.execute("commit")
            except sqlite3.Error as error:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("rollback")
                raise StorageError(f"intake.db: cannot be written: {type(error).__name__}") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
