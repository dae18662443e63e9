"""The projection: hot tables, sealed days, watermark, one writer and many readers in one process (DESIGN §8).

The core applies durable entries in order and seals finished days; everyone reads through `query`. It is
derived: quarantined and rebuilt at will, never migrated. Must never acknowledge anything, never answer
from a batch whose watermark is not committed, and never carry on over a mismatch.
"""

import contextlib
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import duckdb
import msgspec

from quivive.model.clock import HOUR_US, Micros, utc_day
from quivive.model.entry import RetentionClass
from quivive.model.errors import QuiviveError
from quivive.projection.columns import columns_of
from quivive.projection.forget import (
    BY_ACCESS,
    count_controller,
    count_day,
    delete_controller,
    delete_day,
    oldest,
    rewrite_sealed_day,
)
from quivive.projection.query import Scope, run_query
from quivive.projection.reconcile import Difference, reconcile
from quivive.projection.sealed import (
    ROW_GROUP_ROWS,
    SEALED_TABLES,
    SealedDays,
    day_bounds,
    publish_day,
    quoted_files,
    sync,
)
from quivive.projection.store import HOT_FILE, connect, create_schema, merge, merge_texts

SEAL_AFTER_US: Final = 2 * HOUR_US
"""A day may be sealed so long after its end: late parts and revisions have mostly come (later ones stand beside)."""
MAX_QUARANTINES: Final = 3
"""Quarantined copies kept for study; older ones are deleted, they hold pseudonymous traces."""


MAX_SWAP_WAIT_S: Final = 2.0
"""How long a query waits for a reset, which takes tenths of a second, before it asks its reader to come again."""
INTERRUPT_EVERY_S: Final = 0.05
"""A query between two statements does not notice an interruption: it is told again."""


class ProjectionMismatchError(QuiviveError):
    """Entries and watermark disagree; the projection quarantined itself and is empty: read again from zero."""


class ProjectionUnavailableError(QuiviveError):
    """The projection is being set aside or closed; the same query may be asked again (the web answers 503)."""


class DurableEntry(Protocol):
    """What the projection reads of a ledger entry (`quivive.ledger` gives it); without data, `count` were removed."""

    @property
    def shard(self) -> str: ...
    @property
    def index(self) -> int: ...
    @property
    def data(self) -> bytes: ...
    @property
    def count(self) -> int: ...


class Projection:
    """Open with `Projection.open`. `apply`, `seal`, `reset` by one thread at a time; `query` by any number.

    Durability: none promised; the ledger is the truth. Ordering: per shard by index, without holes.
    """

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder = folder
        self.sealed = SealedDays(folder / "sealed")
        self._connection = connection
        self._texts = merge_texts()
        self._write_lock = threading.RLock()
        self._readers: list[duckdb.DuckDBPyConnection] = []
        self._readers_change = threading.Condition()
        """Guards the cursors of running queries: the file is replaced or closed only when there are none."""
        self._swapping = self._closed = False
        self.judging = threading.RLock()
        """Held by a judgement, and by whatever rewrites verdicts (seal, purge, reset). Taken before the write lock."""
        self._prepare()

    @classmethod
    def open(cls, folder: Path) -> "Projection":
        """Open or create. A damaged file or one of another schema version is quarantined and an empty one made."""
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sealed").mkdir(exist_ok=True)
        (folder / f"{HOT_FILE}.fresh").unlink(missing_ok=True)  # a rewriting that was killed
        (folder / f"{HOT_FILE}.fresh.wal").unlink(missing_ok=True)
        try:
            connection = connect(folder)
            same = create_schema(connection)
        except duckdb.Error as error:
            if isinstance(error, duckdb.IOException) and "valid" not in str(error) and "checksum" not in str(error):
                raise  # held by another process, disk full: not a reason to throw anything away
            _quarantine(folder)
            connection = connect(folder)
            same = create_schema(connection)
        if not same:
            connection.close()
            _quarantine(folder)
            connection = connect(folder)
            create_schema(connection)
        return cls(folder, connection)

    def _prepare(self) -> None:
        self._writer = self._connection.cursor()
        self._read_sealed()
        self._watermark = {
            str(shard): int(index)
            for shard, index in self._writer.execute("SELECT shard, next_index FROM watermark").fetchall()
        }

    def _read_sealed(self) -> None:
        known = self._writer.execute("SELECT controller, day, number FROM sealed_set").fetchall()
        self.sealed.read({(str(controller), str(day), int(number)) for controller, day, number in known})

    def watermark(self) -> dict[str, int]:
        """Next index to read, by shard."""
        return dict(self._watermark)

    def apply(self, batch: Sequence[DurableEntry]) -> None:
        """Project a batch in one transaction with its watermark.

        Raises:
            ProjectionMismatchError: a hole, an entry below the watermark, or an undecodable entry; the
                projection was quarantined and is empty.
        """
        try:
            following = self._following(batch)
            staged = columns_of(entry.data for entry in batch if entry.data)
        except (ProjectionMismatchError, msgspec.DecodeError) as error:
            self.reset()
            raise ProjectionMismatchError(f"{error}; quarantined, rebuild from zero") from error
        with self._write_lock:
            sealed_files = self._sealed_files_of(staged)
            self._writer.begin()
            try:
                merge(self._writer, staged, self._texts, sealed_files)
                self._writer.executemany("DELETE FROM watermark WHERE shard = $1", [[shard] for shard in following])
                self._writer.executemany(
                    "INSERT INTO watermark VALUES ($1, $2)", [[*each] for each in following.items()]
                )
                self._writer.commit()
            except BaseException:
                with contextlib.suppress(duckdb.TransactionException):  # a refused commit has rolled back already
                    self._writer.rollback()
                raise
            self._watermark = {**self._watermark, **following}

    def _following(self, batch: Sequence[DurableEntry]) -> dict[str, int]:
        following: dict[str, int] = {}
        for entry in batch:
            expected = following.get(entry.shard, self._watermark.get(entry.shard, 0))
            if entry.index != expected:
                raise ProjectionMismatchError(f"shard {entry.shard}: expected index {expected}, found {entry.index}")
            following[entry.shard] = expected + entry.count
        return following

    def _sealed_files_of(self, staged: Mapping[str, Mapping[str, object]]) -> dict[str, list[str]]:
        """Sealed files of the days to which this batch brings late accesses."""
        access = staged.get("access")
        if access is None:
            return {}
        instants = access["started_at"]
        days = {utc_day(Micros(int(at))) for at in instants.tolist()} if self.sealed.controllers() else set()  # type: ignore[attr-defined]
        files: dict[str, list[str]] = {}
        for day in sorted(day for day in days if self.sealed.holds(day)):
            bounds = day_bounds(day)
            for table in ("access", "exposure", "access_neighbourhood"):
                found = self.sealed.files(table, self.sealed.controllers(), *bounds)
                files.setdefault(f"{table}_files", []).extend(found)
        return files

    def query(self, scope: Scope, name: str, params: Mapping[str, object]) -> list[dict[str, object]]:
        """Run a named query inside a scope, on a cursor of its own (see `query.run_query`).

        Raises:
            ProjectionUnavailableError: the projection was set aside, or closed, while the query ran: ask again.
        """
        with self.reading() as cursor:
            return run_query(cursor, self.sealed, scope, name, params)

    @contextlib.contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that only reads, for statistics of detection; sent away like any query when the file is replaced.

        Raises:
            ProjectionUnavailableError: the projection was set aside, or closed, meanwhile: ask again.
        """
        with self._readers_change:
            if self._closed or not self._readers_change.wait_for(lambda: not self._swapping, MAX_SWAP_WAIT_S):
                raise ProjectionUnavailableError("the projection is closed or being rebuilt")
            cursor = self._connection.cursor()
            self._readers.append(cursor)
        try:
            yield cursor
        except duckdb.InterruptException as error:
            raise ProjectionUnavailableError("the projection is being rebuilt") from error
        finally:
            cursor.close()
            with self._readers_change:
                self._readers.remove(cursor)
                self._readers_change.notify_all()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for detection, which reads and writes verdicts. Nobody else takes one."""
        return self._connection.cursor()

    def seal(self, day: str, now: int) -> int:
        """Move one finished UTC day (`yyyymmdd`) from the hot tables into Parquet; return the exposures moved.

        Called again later, it adds what has arrived since in further files. Too early a call moves nothing.
        """
        start, end = day_bounds(day)
        if now < end + SEAL_AFTER_US:
            return 0
        with self.judging, self._write_lock:
            controllers = self._writer.execute(
                "SELECT controller FROM access WHERE started_at >= $1 AND started_at < $2"
                " UNION SELECT controller FROM second_access WHERE started_at >= $1 AND started_at < $2 ORDER BY 1",
                [start, end],
            ).fetchall()
            moved = sum(self._seal_controller(str(controller), day, start, end) for (controller,) in controllers)
            self._writer.execute("CHECKPOINT")
            self._read_sealed()
        return moved

    def _seal_controller(self, controller: str, day: str, start: int, end: int) -> int:
        number = self.sealed.next_number(controller, day)
        folder = self.sealed.day_folder(controller, day)
        beside = folder.with_name(f"{day}.writing")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        where = "controller = $controller AND started_at >= $start AND started_at < $end"
        bounds = {"controller": controller, "start": start, "end": end}
        moved = 0
        self._writer.begin()
        try:
            for table, order in SEALED_TABLES.items():
                stored = "verdict_current" if table == "verdict" else table
                source = f"SELECT * FROM {stored} WHERE {where} ORDER BY {order}"
                options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
                path = beside / f"{table}-{number:04d}.parquet"
                count = self._writer.execute(f"COPY ({source}) TO '{path}' ({options})", bounds).fetchone()
                moved += int(count[0]) if count and table == "exposure" else 0
            publish_day(beside, folder)
            self._writer.execute("INSERT INTO sealed_set VALUES ($1, $2, $3)", [controller, day, number])
            for stored in BY_ACCESS:
                self._writer.execute(f"DELETE FROM {stored} WHERE {where}", bounds)
            self._writer.commit()
        except BaseException:
            with contextlib.suppress(duckdb.TransactionException):
                self._writer.rollback()
            raise
        return moved

    def purge_day(
        self, controller: str, day: str, retention_class: str = RetentionClass.TRACE, before_us: int = 0
    ) -> None:
        """Delete one day of one controller and class, hot and sealed; copies set aside for study go with it.

        `before_us` reaches back into days that hold nothing more: rows dated a moment before their entry.
        """
        start, end = day_bounds(day)
        with self.judging, self._write_lock:
            if retention_class == RetentionClass.TRACE:
                self._writer.execute("DELETE FROM sealed_set WHERE controller = $1 AND day = $2", [controller, day])
                self._read_sealed()
            delete_day(self._writer, controller, retention_class, start - before_us, end)
            self._writer.execute("CHECKPOINT")
        self.drop_quarantines()

    def left_of_day(self, controller: str, day: str, retention_class: str, before_us: int = 0) -> tuple[int, int]:
        """Rows of a day that are still hot, and files of it that still stand sealed."""
        start, end = day_bounds(day)
        with self._write_lock:
            hot = count_day(self._writer, controller, retention_class, start - before_us, end)
        folder = self.sealed.day_folder(controller, day)
        files = list(folder.rglob("*")) if retention_class == RetentionClass.TRACE and folder.is_dir() else []
        return hot, len(files) + len(list(self.folder.glob("quarantine-*")))

    def forget_access(self, controller: str, access: str, started_at: int) -> None:
        """Delete one access (32 hex digits), hot and sealed: its day's files are written again without it."""
        halves, day = (int(access[:16], 16), int(access[16:], 16)), utc_day(Micros(started_at))
        with self.judging, self._write_lock:
            for table in BY_ACCESS:
                where = "controller = $1 AND access_hi = $2 AND access_lo = $3"
                self._writer.execute(f"DELETE FROM {table} WHERE {where}", [controller, *halves])
            if self.sealed.files("access", (controller,), started_at, started_at + 1):
                rewrite_sealed_day(self._writer, self.sealed, controller, day, halves)
                self._read_sealed()
            self._writer.execute("CHECKPOINT")
        self.drop_quarantines()

    def left_of_access(self, controller: str, access: str, started_at: int) -> tuple[int, int]:
        """Rows of one access (32 hex digits) that are still hot, and those that still stand sealed."""
        halves, hot, sealed = [int(access[:16], 16), int(access[16:], 16)], 0, 0
        with self._write_lock:
            for table in BY_ACCESS:
                where = "controller = $1 AND access_hi = $2 AND access_lo = $3"
                row = self._writer.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}", [controller, *halves])
                hot += int((row.fetchone() or (0,))[0])
            if files := self.sealed.files("access", (controller,), started_at, started_at + 1):
                where = "access_hi = $1 AND access_lo = $2"
                found = f"SELECT COUNT(*) FROM read_parquet({quoted_files(files)}) WHERE {where}"
                sealed = int((self._writer.execute(found, halves).fetchone() or (0,))[0])
        return hot, sealed

    def forget_controller(self, controller: str) -> None:
        """Delete every row of a controller whose contract ended."""
        with self.judging, self._write_lock:
            self._writer.execute("DELETE FROM sealed_set WHERE controller = $1", [controller])
            self._read_sealed()
            shutil.rmtree(self.sealed.folder / controller, ignore_errors=True)
            delete_controller(self._writer, controller)
            self._watermark = {
                name: at for name, at in self._watermark.items() if not name.startswith(f"{controller}/")
            }
            self._writer.execute("CHECKPOINT")
        self.drop_quarantines()

    def left_of_controller(self, controller: str) -> tuple[int, int]:
        """Rows and files of a controller that are still there."""
        with self._write_lock:
            hot = count_controller(self._writer, controller)
        folder = self.sealed.folder / controller
        files = list(folder.rglob("*")) if folder.is_dir() else []
        return hot, len(files) + len(list(self.folder.glob("quarantine-*")))

    def oldest(self, controller: str, retention_class: str) -> tuple[int, int]:
        """Instants of the oldest hot row and of the oldest sealed day of a class, 0 when there is none."""
        with self._write_lock:
            hot = oldest(self._writer, controller, retention_class)
        days = self.sealed.days(controller) if retention_class == RetentionClass.TRACE else ()
        return hot, day_bounds(min(days))[0] if days else 0

    def differences(self, day: str, entries: Iterable[bytes]) -> list[Difference]:
        """Compare the rows of a finished day with what its entries give; nothing is changed.

        Raises:
            ProjectionUnavailableError: set aside meanwhile.
        """
        with self.reading() as cursor:
            return reconcile(cursor, self.sealed, self.folder, day, entries)

    def drop_quarantines(self) -> None:
        """Delete the copies set aside for study: they hold what a purge removes elsewhere."""
        for aside in self.folder.glob("quarantine-*"):
            shutil.rmtree(aside)

    def rewrite(self) -> None:
        """Write the hot file anew, so that deleted rows do not linger in its free pages (DESIGN §8).

        Readers go on while it is copied, and are sent away for the moment of the exchange. A kill leaves one or the
        other file, never half.
        """
        fresh, hot = self.folder / f"{HOT_FILE}.fresh", self.folder / HOT_FILE
        with self.judging, self._write_lock:
            fresh.unlink(missing_ok=True)
            self._writer.execute(f"ATTACH '{fresh}' AS fresh")
            try:
                self._writer.execute("COPY FROM DATABASE hot TO fresh")
            finally:
                self._writer.execute("DETACH fresh")
            self._send_readers_away()
            try:
                self._writer.close()
                self._connection.close()
                (self.folder / f"{HOT_FILE}.wal").unlink(missing_ok=True)
                sync(fresh)
                fresh.replace(hot)
                sync(self.folder)
                self._connection = connect(self.folder)
                self._prepare()
            finally:
                with self._readers_change:
                    self._swapping = False
                    self._readers_change.notify_all()

    def reset(self) -> None:
        """Quarantine hot file and sealed days, and start empty."""
        with self.judging, self._write_lock:
            self._send_readers_away()
            try:
                self._writer.close()
                self._connection.close()
                _quarantine(self.folder)
                (self.folder / "sealed").mkdir(exist_ok=True)
                self._connection = connect(self.folder)
                create_schema(self._connection)
                self._prepare()
            finally:
                with self._readers_change:
                    self._swapping = False
                    self._readers_change.notify_all()

    def _send_readers_away(self) -> None:
        """Stop running queries and let no new one begin. DuckDB would keep a file open that a cursor still reads."""
        with self._readers_change:
            self._swapping = True
            while self._readers:
                for reader in self._readers:
                    reader.interrupt()
                self._readers_change.wait(INTERRUPT_EVERY_S)

    def close(self) -> None:
        """Close; a checkpoint is DuckDB's own."""
        with self._write_lock:
            self._closed = True
            self._send_readers_away()
            self._writer.close()
            self._connection.close()


def _quarantine(folder: Path) -> None:
    """Set the derived files aside under `quarantine-<n>`, keeping the newest few."""
    numbers = sorted(int(path.name.rpartition("-")[2]) for path in folder.glob("quarantine-*"))
    aside = folder / f"quarantine-{(numbers[-1] + 1 if numbers else 1):04d}"
    aside.mkdir()
    for name in (HOT_FILE, f"{HOT_FILE}.wal", "sealed"):
        if (folder / name).exists():
            (folder / name).rename(aside / name)
    for number in numbers[: max(0, len(numbers) + 1 - MAX_QUARANTINES)]:
        shutil.rmtree(folder / f"quarantine-{number:04d}")
