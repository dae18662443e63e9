"""Every access leaves without a cut, once each, and with bounded memory: a million under `make fault`."""

import asyncio
import csv
import hashlib
import io
import json
import os
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from fakes import installation

from quivive.model.clock import HOUR_US
from quivive.model.permission import Role
from quivive.projection.projection import Projection
from quivive.projection.query import Scope
from quivive.reports.listing import ACCESS_COLUMNS, ListFormat
from quivive.vault import Principal
from quivive.web.filters import read_filters
from quivive.web.reading import Purpose, Reader
from quivive.web.routes.exports import _send, accesses

LONG = os.environ.get("QUIVIVE_FAULTS") == "long"
COUNT = 1_000_001 if LONG else 20_001
"""A million under `make fault`; enough pages to cross every edge otherwise."""
MAX_EXTRA_BYTES = 100 << 20
"""What an export may hold beside the projection (console reference, P0 10)."""
T0 = 1_795_300_000_000_000

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    """A million accesses of one day, one verdict each; a hundred of them share one instant."""
    projection = Projection.open(tmp_path_factory.mktemp("million") / "projection")
    with projection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO access BY NAME SELECT
                hash(n) AS access_hi, n AS access_lo, $t0 + (n // 100) * 7919 AS started_at,
                $t0 + (n // 100) * 7919 + 40 AS ended_at, 'aurore' AS controller, 'aurore-db' AS source, 'A' AS grade,
                0 AS agent_hi, 0 AS agent_lo, 0 AS contact_hi, 0 AS contact_lo, 'none' AS attribution,
                CASE n % 4 WHEN 0 THEN 'update' ELSE 'read' END AS "action", 'x' AS shape,
                'public.customer' AS tables, '' AS columns, '' AS changed, 'exact' AS coverage, 1 AS row_count,
                1 AS distinct_count, 'ok' AS outcome, 'equals' AS pattern_class, 0 AS fixed_chars, 0 AS account_hi,
                0 AS account_lo, 0 AS session_hi, 0 AS session_lo, '' AS zone, 0 AS workstation_hi,
                0 AS workstation_lo, '' AS program, TRUE AS final, 0 AS part, n AS tie
            FROM range($count) r(n)
            """,
            {"t0": T0, "count": COUNT},
        )
        cursor.execute(
            """
            INSERT INTO verdict_current BY NAME SELECT
                access_hi, access_lo, started_at, controller, 7 AS key_hi, access_lo AS key_lo, 1 AS revision,
                started_at AS decided_at, CASE tie % 10 WHEN 0 THEN 'unexplained' ELSE 'explained' END AS verdict,
                'strong' AS strength, 'E1' AS template, 'none' AS cause, 0 AS contact_hi, 0 AS contact_lo,
                0 AS delta_us, 1 AS subject_rank, TRUE AS final, FALSE AS late
            FROM access
            """
        )
    yield projection
    projection.close()


@dataclass
class Peak:
    """The most memory this process held since the beginning of the block."""

    before: int = 0
    most: int = 0

    def __enter__(self):
        self.before = self.most = resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self):
        while not self._stop.wait(0.02):
            self.most = max(self.most, resident())

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def export(projection, folder, form, **query):
    """Export through the route's own code, to a file as a slow disk would take it."""
    place = installation(folder)

    async def ask(name, params, *, controllers, from_at, to_at, purpose, principal):
        scope = Scope(controllers=controllers, from_at=from_at, to_at=to_at, purpose=purpose, principal=principal)
        return await asyncio.to_thread(projection.query, scope, name, params)

    principal = Principal(id="officer", roles=(Role.SECURITY,), controllers=("aurore",), sources=())
    reader = Reader(
        services=place.services(query=ask),
        principal=principal,
        purpose=Purpose.ACTIVITY_REVIEW,
        controllers=("aurore",),
        from_at=T0 - HOUR_US,
        to_at=T0 + 30 * HOUR_US,
    )
    target = folder / "export.zip"

    async def run():
        pages = accesses(reader, read_filters(query), to_explain=False)
        answer = await _send(reader, "activity", form, ACCESS_COLUMNS, {"filter": query}, pages)
        with target.open("wb") as out:
            async for part in answer.iterator:
                out.write(part)

    asyncio.run(run())
    place.vault.close()
    return target


@pytest.mark.timeout(900)
@pytest.mark.parametrize("form", list(ListFormat))
def test_a_million_rows_leave_without_a_cut(million, tmp_path, form):
    """Every row once, the manifest's hash that of the file, memory bounded whatever the number of rows."""
    export(million, tmp_path, ListFormat.CSV, action="update", verdict="unexplained")  # caches are warm from here on
    began = time.monotonic()
    with Peak() as peak:
        target = export(million, tmp_path, form)
    took = time.monotonic() - began
    with zipfile.ZipFile(target) as archived:
        manifest = json.loads(archived.read("manifest.json"))
        archived.extract(f"activity.{form}", tmp_path)
    data = tmp_path / f"activity.{form}"
    assert manifest["rows"] == COUNT
    assert manifest["limit"] is None
    with data.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == manifest["sha256"]
    assert distinct(data, form) == (COUNT, COUNT)
    extra = peak.most - peak.before
    print(f"{form}: {took:.0f} s, {target.stat().st_size >> 20} MiB archive, {extra >> 20} MiB more memory")
    assert extra < MAX_EXTRA_BYTES


def distinct(data, form):
    """Rows, and different accesses among them, read back by another reader."""
    if form is ListFormat.CSV:
        seen, rows = set(), 0
        with io.TextIOWrapper(data.open("rb"), encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, delimiter=";"):
                seen.add(row["access"])
                rows += 1
        return rows, len(seen)
    reader = "read_parquet" if form is ListFormat.PARQUET else "read_json"
    found = duckdb.connect().execute(f"SELECT COUNT(*), COUNT(DISTINCT access) FROM {reader}('{data}')").fetchone()
    assert found is not None
    return found


def test_filters_leave_no_row_out(million, tmp_path):
    """A filter on the verdict, applied after each page is cut, still finds every access of the period."""
    target = export(million, tmp_path, ListFormat.JSONL, action="-read", verdict="unexplained")
    with zipfile.ZipFile(target) as archived:
        rows = json.loads(archived.read("manifest.json"))["rows"]
    assert rows == sum(1 for n in range(COUNT) if n % 20 == 0)
