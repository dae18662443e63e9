"""Nightly: are the rows of a finished day still those that the ledger's entries give (DESIGN §8, fault 53)?

Called by the core. A second, empty projection beside the real one takes the day's entries again, by the same merge
texts; both are compared by controller and hour, count and hash of every row. Must never trust the rows it checks, and
never write to them: what differs is told, and the projection is rebuilt.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import duckdb

from quivive.model.clock import HOUR_US
from quivive.projection.columns import columns_of
from quivive.projection.sealed import SealedDays, day_bounds, quoted_files
from quivive.projection.store import connect, create_schema, merge, merge_texts

BATCH: Final = 8_192
COMPARED: Final = ("access", "exposure", "access_neighbourhood", "second_access", "second_exposure", "statement_count")
"""Tables whose rows are functions of entries alone. Verdicts have their own daily hash (entry `verdicts.day`)."""
_AT: Final = {"statement_count": "minute_at"}
_FOLDER: Final = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One hour of one table that does not say what the ledger says."""

    table: str
    controller: str
    hour_at: int
    expected: int
    found: int


def reconcile(
    connection: duckdb.DuckDBPyConnection, sealed: SealedDays, folder: Path, day: str, entries: Iterable[bytes]
) -> list[Difference]:
    """Compare one day. `entries`: event bytes of that day, and of what followed so closely that it may belong to it.

    `connection` reads the real tables; `folder` is the projection's.
    """
    beside = folder / _FOLDER
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    scratch = connect(beside)
    try:
        create_schema(scratch)
        texts, rest = merge_texts(), iter(entries)
        while batch := list(islice(rest, BATCH)):
            merge(scratch, columns_of(batch), texts, {})
        start, end = day_bounds(day)
        found: list[Difference] = []
        for table in COMPARED:
            expected = _sums(scratch, None, table, start, end)
            real = _sums(connection, sealed, table, start, end)
            found += [
                Difference(
                    table=table,
                    controller=place[0],
                    hour_at=place[1],
                    expected=expected.get(place, (0, 0))[0],
                    found=real.get(place, (0, 0))[0],
                )
                for place in sorted(expected.keys() | real.keys())
                if expected.get(place) != real.get(place)
            ]
        return found
    finally:
        scratch.close()
        shutil.rmtree(beside, ignore_errors=True)


def _sums(
    connection: duckdb.DuckDBPyConnection, sealed: SealedDays | None, table: str, start: int, end: int
) -> dict[tuple[str, int], tuple[int, int]]:
    """Count and hash of the rows of each controller and hour, whatever the order of rows and columns."""
    at = _AT.get(table, "started_at")
    columns = [
        str(name)
        for (name,) in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = $1 ORDER BY column_name", [table]
        ).fetchall()
    ]
    listed = ", ".join(f'"{name}"' for name in columns)
    source = f"SELECT {listed} FROM {table} WHERE {at} >= {start} AND {at} < {end}"
    files = sealed.files(table, sealed.controllers(), start, end) if sealed is not None else []
    if files:
        source += f" UNION ALL SELECT {listed} FROM read_parquet({quoted_files(files)})"
        source += f" WHERE {at} >= {start} AND {at} < {end}"
    rows = connection.execute(
        f"SELECT controller, ({at} // {HOUR_US}) * {HOUR_US}, COUNT(*), BIT_XOR(HASH({listed}))::UBIGINT,"
        f" (SUM(HASH({listed})::HUGEINT) % 18446744073709551557)::HUGEINT FROM ({source}) GROUP BY 1, 2"
    ).fetchall()
    return {(str(row[0]), int(row[1])): (int(row[2]), hash((int(row[3]), int(row[4])))) for row in rows}
