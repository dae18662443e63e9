"""A search that decodes: where in a data folder do keys of 16 bytes still stand, in whatever form a store gives them.

For tests of erasure: a raw byte search proves nothing, because segments are sealed and deflated, Parquet is compressed
and DuckDB shifts its integers. Reads every store its own way: Parquet row groups, DuckDB's tables and its raw pages
(free ones included), SQLite's rows and pages, segment frames with every key that is left anywhere, spool records,
copies set aside, backups; and everything else byte by byte.
"""

import json
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import duckdb
import numpy as np

from quivive.ledger.frame import FrameError, check_frame, frame_length, open_frame
from quivive.model.errors import QuiviveError
from quivive.privacy.keyring import Keyring
from quivive.spool.record import MAGIC, RecordError, decode_record, record_end

_HEX = re.compile(rb"[0-9a-f]{32}")


def find_keys(folder: Path, wanted: Iterable[str]) -> dict[str, Counter]:
    """Where each key (32 hex digits) stands: place → key → how often. Empty when nothing of them is left."""
    search = _Search(folder, set(wanted))
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        search.file(path)
    return {place: found for place, found in search.found.items() if found}


def found_keys(folder: Path, wanted: Iterable[str]) -> dict[str, set[str]]:
    """The same, key → places."""
    told: dict[str, set[str]] = {}
    for place, found in find_keys(folder, wanted).items():
        for key in found:
            told.setdefault(key, set()).add(place)
    return told


class _Search:
    def __init__(self, folder: Path, wanted: set[str]) -> None:
        self.folder, self.wanted = folder, wanted
        self.raw = {bytes.fromhex(key): key for key in wanted}
        self.halves = {int(key[at : at + 16], 16): key for key in wanted for at in (0, 16)}
        self.found: dict[str, Counter] = {}
        self.keys = _every_day_key(folder)

    def file(self, path: Path) -> None:
        place = path.relative_to(self.folder).as_posix()
        found = self.found.setdefault(place, Counter())
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return  # a tile or a spool file that was superseded meanwhile
        self._bytes(data, found)
        if path.suffix == ".parquet":
            self._parquet(path, found)
        elif "duckdb" in path.name:
            self._pages(data, found)
            self._duckdb(path, found)
        elif path.suffix == ".db":
            self._sqlite(path, found)
        elif "segments" in path.parts or path.suffix == ".segment":
            self._frames(data, found)
        elif data.startswith(MAGIC):
            self._records(data, found)

    def _bytes(self, data: bytes, found: Counter) -> None:
        for match in set(_HEX.findall(data)) if len(self.wanted) else ():
            if match.decode() in self.wanted:
                found[match.decode()] += 1
        for key in self.wanted:  # a run of more than 32 digits hides one from the pattern
            if key.encode() in data:
                found[key] += 1
        for raw, key in self.raw.items():
            if raw in data:
                found[key] += 1

    def _words(self, words: Iterable[int], found: Counter) -> None:
        for word in self.halves.keys() & set(words):
            found[self.halves[word]] += 1

    def _pages(self, data: bytes, found: Counter) -> None:
        """Raw pages at every offset: plain integers, and integers from which a group's least was subtracted."""
        wanted = np.array(sorted(self.halves), dtype=np.uint64)
        for shift in range(8):
            words = np.frombuffer(data[shift : shift + (len(data) - shift) // 8 * 8], dtype="<u8")
            for word in np.unique(words[np.isin(words, wanted)]):
                found[self.halves[int(word)]] += 1
            if shift == 0 and len(wanted) < 400:
                self._differences(words, wanted, found)

    def _differences(self, words: np.ndarray, wanted: np.ndarray, found: Counter) -> None:
        """Neighbours keep their difference, whatever was subtracted from both."""
        pairs = (wanted[:, None] - wanted[None, :]).ravel()
        pairs = np.unique(pairs[pairs != 0])
        with np.errstate(over="ignore"):
            hits = np.isin(words[1:] - words[:-1], pairs)
        if hits.any():
            found["(shifted)"] += int(hits.sum())

    def _parquet(self, path: Path, found: Counter) -> None:
        self._table(duckdb.connect(), f"read_parquet('{path}')", found)

    def _duckdb(self, path: Path, found: Counter) -> None:
        if path.suffix == ".wal":
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy.duckdb"
            shutil.copy(path, copy)
            if path.with_name(path.name + ".wal").exists():
                shutil.copy(path.with_name(path.name + ".wal"), copy.with_name("copy.duckdb.wal"))
            connection = duckdb.connect(str(copy))
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                self._table(connection, table, found)
            connection.close()

    def _table(self, connection: duckdb.DuckDBPyConnection, source: str, found: Counter) -> None:
        cursor = connection.execute(f"SELECT * FROM {source}")
        kinds = [str(column[1]) for column in cursor.description]
        for row in cursor.fetchall():
            self._words(
                (
                    value
                    for value, kind in zip(row, kinds, strict=True)
                    if kind == "UBIGINT" or (isinstance(value, int) and value > 1 << 40)
                ),
                found,
            )
            for value in row:
                if isinstance(value, str | bytes) and value:
                    self._bytes(value.encode() if isinstance(value, str) else value, found)

    def _sqlite(self, path: Path, found: Counter) -> None:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in connection.execute(f'select * from "{table}"').fetchall():
                for value in row:
                    if isinstance(value, str | bytes):
                        self._bytes(value.encode() if isinstance(value, str) else value, found)
        connection.close()

    def _frames(self, data: bytes, found: Counter) -> None:
        offset = 0
        while offset < len(data):
            try:
                length = frame_length(data[offset : offset + 12])
                check_frame(data[offset : offset + length])
            except FrameError:
                return
            for key in self.keys:
                try:
                    events = open_frame(data[offset : offset + length], key)
                except FrameError:
                    continue
                for _, event in events:
                    self._bytes(event, found)
            offset += length

    def _records(self, data: bytes, found: Counter) -> None:
        offset = len(MAGIC)
        try:
            while (end := record_end(data, offset)) is not None:
                self._bytes(decode_record(data, offset, end).body, found)
                offset = end
        except RecordError:
            return


def _every_day_key(folder: Path) -> list[bytes]:
    """Every day key that opens, in every keys folder below: the present one, backups, what a kill left beside."""
    keys = []
    for operator in folder.rglob("keys/operator.json"):
        home = operator.parents[1]
        try:
            keyring = Keyring.open(home)
        except QuiviveError:
            continue
        for path in sorted((home / "keys" / "days").rglob("*.json")):
            controller, retention_class, name = path.parts[-3:]
            day = name.split(".")[0]
            try:
                if ".next" in name:
                    keys.append(keyring.next_day_key(controller, retention_class, day).key)
                elif (found := keyring.find_day_key(controller, retention_class, day)) is not None:
                    keys.append(found.key)
            except (QuiviveError, json.JSONDecodeError):
                continue
    return keys
