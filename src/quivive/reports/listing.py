"""A list that leaves whole: CSV, JSON lines or Parquet in one archive with its manifest, written as it is sent.

Called by `web.routes.exports`. Must never hold the list in memory, cut it, or write a key or a pseudonym of an agent:
a column that is not declared here does not leave.
"""

import asyncio
import csv
import hashlib
import io
import json
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from quivive.model.clock import Micros, to_rfc3339
from quivive.projection.parquet import write_parquet
from quivive.reports.render import spreadsheet_cell

CHUNK: Final = 1 << 20
"""Bytes of a file read at once."""
LIST_MARK: Final = "|"
"""Between the names of a list in one CSV cell."""

Rows = AsyncIterator[Sequence[Mapping[str, object]]]


class ListFormat(StrEnum):
    """What a list may leave as."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class ColumnKind(StrEnum):
    """How a value is written: RFC 3339 in UTC, whole number, yes or no, text, or a list of names."""

    INSTANT = "instant"
    COUNT = "count"
    FLAG = "flag"
    TEXT = "text"
    NAMES = "names"


_TYPES: Final[dict[ColumnKind, str]] = {
    ColumnKind.INSTANT: "TIMESTAMP WITH TIME ZONE",
    ColumnKind.COUNT: "BIGINT",
    ColumnKind.FLAG: "BOOLEAN",
    ColumnKind.TEXT: "VARCHAR",
    ColumnKind.NAMES: "VARCHAR[]",
}

Columns = Mapping[str, ColumnKind]

ACCESS_COLUMNS: Final[dict[str, ColumnKind]] = {
    "access": ColumnKind.TEXT,
    "episode": ColumnKind.TEXT,
    "at": ColumnKind.INSTANT,
    "ended_at": ColumnKind.INSTANT,
    "controller": ColumnKind.TEXT,
    "source": ColumnKind.TEXT,
    "grade": ColumnKind.TEXT,
    "agent_code": ColumnKind.TEXT,
    "attribution": ColumnKind.TEXT,
    "action": ColumnKind.TEXT,
    "tables": ColumnKind.NAMES,
    "columns": ColumnKind.NAMES,
    "changed": ColumnKind.NAMES,
    "coverage": ColumnKind.TEXT,
    "rows": ColumnKind.COUNT,
    "distinct": ColumnKind.COUNT,
    "outcome": ColumnKind.TEXT,
    "verdict": ColumnKind.TEXT,
    "strength": ColumnKind.TEXT,
    "template": ColumnKind.TEXT,
    "unknown_cause": ColumnKind.TEXT,
    "evidence_kind": ColumnKind.TEXT,
    "evidence_label": ColumnKind.TEXT,
    "evidence_delta_s": ColumnKind.COUNT,
    "pattern_class": ColumnKind.TEXT,
}
"""One row an access. `episode` groups as the page does."""
ALERT_COLUMNS: Final[dict[str, ColumnKind]] = {
    "alert": ColumnKind.TEXT,
    "opened_at": ColumnKind.INSTANT,
    "controller": ColumnKind.TEXT,
    "agent_code": ColumnKind.TEXT,
    "topic": ColumnKind.TEXT,
    "origin": ColumnKind.TEXT,
    "severity": ColumnKind.TEXT,
    "state": ColumnKind.TEXT,
    "outcome": ColumnKind.TEXT,
    "changed_at": ColumnKind.INSTANT,
    "from_at": ColumnKind.INSTANT,
    "to_at": ColumnKind.INSTANT,
    "day": ColumnKind.TEXT,
    "joined": ColumnKind.COUNT,
    "accesses": ColumnKind.COUNT,
    "facts": ColumnKind.TEXT,
    "rule_version": ColumnKind.TEXT,
}
"""One row an alert; `facts` is JSON: codes and whole numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What leaves. `about` is written into the manifest as it is (filters, period, checkpoints)."""

    name: str
    format: ListFormat
    columns: Columns
    about: Mapping[str, object]

    @property
    def file(self) -> str:
        """Name of the data file inside the archive."""
        return f"{self.name}.{self.format}"


@dataclass(slots=True, kw_only=True)
class _Written:
    """What has been written so far."""

    rows: int = 0
    size: int = 0
    hash: "hashlib._Hash"

    def add(self, data: bytes) -> bytes:
        self.size += len(data)
        self.hash.update(data)
        return data


class _Sink:
    """Takes what the archive writes until it is sent. No seeking: the archive ends its entries with their sizes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


async def archive(listing: Listing, pages: Rows, told: Callable[[int], object] | None = None) -> AsyncIterator[bytes]:
    """Give the bytes of the archive, page by page; `told` hears the number of rows once all are written.

    An archive that breaks off has no directory and opens nowhere: a part is never taken for the whole.
    """
    sink, written = _Sink(), _Written(hash=hashlib.sha256())
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as made:  # type: ignore[call-overload]
        if listing.format is ListFormat.PARQUET:
            async for part in _through_parquet(listing, pages, made, sink, written):
                yield part
        else:
            with _entry(made, listing.file) as entry:
                entry.write(written.add(_head(listing)))
                async for page in pages:
                    written.rows += len(page)
                    await asyncio.to_thread(_write, entry, page, listing, written)
                    yield sink.take()
        with _entry(made, "manifest.json") as entry:
            entry.write(_manifest(listing, written))
    if told is not None:
        told(written.rows)
    yield sink.take()


def _write(entry: IO[bytes], page: Sequence[Mapping[str, object]], listing: Listing, written: _Written) -> None:
    entry.write(written.add(encode(page, listing)))


async def _through_parquet(
    listing: Listing, pages: Rows, made: zipfile.ZipFile, sink: _Sink, written: _Written
) -> AsyncIterator[bytes]:
    """Parquet has its directory at its end: lines on disk first, then DuckDB's file, then the archive."""
    with tempfile.TemporaryDirectory(prefix="quivive-export-") as folder:
        lines, target = Path(folder) / "lines.jsonl", Path(folder) / "list.parquet"
        with lines.open("wb") as out:
            async for page in pages:
                written.rows += len(page)
                out.write(await asyncio.to_thread(encode, page, listing, ListFormat.JSONL))
                yield sink.take()
        types = {name: _TYPES[kind] for name, kind in listing.columns.items()}
        await asyncio.to_thread(write_parquet, lines, target, types)
        with target.open("rb") as file, _entry(made, listing.file, zipfile.ZIP_STORED) as entry:
            while part := file.read(CHUNK):
                entry.write(written.add(part))
                yield sink.take()


def _entry(
    made: zipfile.ZipFile, name: str, compression: int = zipfile.ZIP_DEFLATED
) -> AbstractContextManager[IO[bytes]]:
    info = zipfile.ZipInfo(name, date_time=time.gmtime()[:6])
    info.compress_type, info.external_attr = compression, 0o600 << 16
    return made.open(info, "w", force_zip64=True)


def _head(listing: Listing) -> bytes:
    """The first line of a CSV, after the mark by which a spreadsheet knows UTF-8."""
    if listing.format is not ListFormat.CSV:
        return b""
    return b"\xef\xbb\xbf" + (";".join(listing.columns) + "\r\n").encode()


def encode(rows: Sequence[Mapping[str, object]], listing: Listing, form: ListFormat | None = None) -> bytes:
    """Rows as lines; only declared columns are read."""
    if (form or listing.format) is ListFormat.CSV:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        for row in rows:
            writer.writerow([_cell(kind, row.get(name)) for name, kind in listing.columns.items()])
        return out.getvalue().encode()
    lines = (
        json.dumps({name: _value(kind, row.get(name)) for name, kind in listing.columns.items()}, ensure_ascii=False)
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _value(kind: ColumnKind, value: object) -> object:
    if value is None or value == "":
        return [] if kind is ColumnKind.NAMES else None
    if kind is ColumnKind.INSTANT:
        return to_rfc3339(Micros(int(str(value)))) if value else None
    if kind is ColumnKind.NAMES:
        return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]
    if kind is ColumnKind.TEXT:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value


def _cell(kind: ColumnKind, value: object) -> object:
    told = _value(kind, value)
    if isinstance(told, list):
        told = LIST_MARK.join(told)
    if isinstance(told, bool):
        return int(told)
    return spreadsheet_cell(told) if isinstance(told, str) else told


def _manifest(listing: Listing, written: _Written) -> bytes:
    told = {
        "list": listing.name,
        "file": listing.file,
        "columns": dict(listing.columns),
        "rows": written.rows,
        "limit": None,
        "bytes": written.size,
        "sha256": written.hash.hexdigest(),
        **listing.about,
    }
    return json.dumps(told, ensure_ascii=False, indent=2).encode() + b"\n"
