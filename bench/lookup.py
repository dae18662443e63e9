"""Subject look-up over 50 M accesses in sealed Parquet (p95 floor 500 ms, goal 100 ms). Prints one JSON object.

`--scale 0.01` shrinks. Days are written as the seal writes them (same order, same row groups) and listed in
`sealed_set`; each look-up is the query behind the page *Personne concernée*, links and verdicts included.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from quivive.projection.projection import Projection
from quivive.projection.query import Scope
from quivive.projection.sealed import ROW_GROUP_ROWS, SEALED_TABLES, day_bounds

sys.path.insert(0, str(Path(__file__).parent))
from judge import access_columns, insert, keys

ACCESSES, DAYS, CUSTOMERS, LOOKUPS = 50_000_000, 50, 2_000_000, 100
FLOOR_MS, GOAL_MS = 500, 100
CONTROLLER = "aurore"


def seal_day(projection: Projection, day: str, number: int, count: int) -> None:
    """Write one day of accesses, one exposure and one verdict each."""
    start, _ = day_bounds(day)
    chance = np.random.default_rng(number)
    at = np.sort(start + chance.integers(0, 86_400_000_000, count))
    columns = access_columns(number * count, chance.integers(0, 300, count), at, chance.integers(0, CUSTOMERS, count))
    cursor = projection.cursor()
    folder = projection.sealed.day_folder(CONTROLLER, day)
    folder.mkdir(parents=True)
    cursor.register("day_access", columns["access"])
    cursor.register("day_exposure", columns["exposure"])
    texts = {
        "access": "SELECT * FROM day_access",
        "exposure": "SELECT * FROM day_exposure",
        "verdict": "SELECT access_hi, access_lo, started_at, controller, key_hi, key_lo, 1 AS revision,"
        " started_at AS decided_at, 'unexplained' AS verdict, 'none' AS strength, 'none' AS template, 'none' AS cause,"
        " CAST(0 AS UBIGINT) AS contact_hi, CAST(0 AS UBIGINT) AS contact_lo, CAST(0 AS BIGINT) AS delta_us,"
        " 0 AS subject_rank, TRUE AS final, FALSE AS late FROM day_exposure",
    }
    for table, order in SEALED_TABLES.items():
        cursor.execute(
            f"COPY ({texts[table]} ORDER BY {order}) TO '{folder}/{table}-0000.parquet'"
            f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
        )
    cursor.execute("INSERT INTO sealed_set VALUES ($1, $2, 0)", [CONTROLLER, day])
    cursor.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    per_day = int(ACCESSES * arguments.scale) // DAYS
    days = [f"2026{month:02d}{day:02d}" for month in (1, 2) for day in range(1, 26)]
    with tempfile.TemporaryDirectory() as folder:
        projection = Projection.open(Path(folder))
        for number, day in enumerate(days):
            seal_day(projection, day, number, per_day)
        people = np.arange(CUSTOMERS // 10)
        left_hi, left_lo = keys(5, people)
        right_hi, right_lo = keys(3, people)
        cursor = projection.cursor()
        insert(
            cursor,
            "link",
            {
                "controller": np.full(len(people), CONTROLLER, object), "left_hi": left_hi, "left_lo": left_lo,
                "left_kind": np.full(len(people), "phone", object), "right_hi": right_hi, "right_lo": right_lo,
                "right_table": np.full(len(people), "public.customer", object), "first_at": np.zeros(len(people), int),
            },
        )  # fmt: skip
        cursor.close()
        projection.close()
        projection = Projection.open(Path(folder))
        scope = Scope(
            controllers=(CONTROLLER,), from_at=day_bounds(days[0])[0], to_at=day_bounds(days[-1])[1], purpose="bench",
            principal="bench",
        )  # fmt: skip
        chance = np.random.default_rng(9)
        times, found = [], 0
        for customer in chance.integers(0, CUSTOMERS, LOOKUPS):
            hi, lo = keys(3, np.array([customer]))
            started = time.perf_counter()
            rows = projection.query(scope, "accesses_by_subject", {"keys": [f"{int(hi[0]):016x}{int(lo[0]):016x}"]})
            times.append((time.perf_counter() - started) * 1000)
            found += len(rows)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
        projection.close()
    p50, p95 = np.percentile(times, 50), np.percentile(times, 95)
    print(
        json.dumps(
            {
                "bench": "lookup", "scale": arguments.scale, "accesses": per_day * DAYS, "days": DAYS,
                "bytes_per_access": round(size / (per_day * DAYS), 1), "lookups": LOOKUPS,
                "accesses_found": found, "p50_ms": round(p50), "p95_ms": round(p95), "floor_ms": FLOOR_MS,
                "goal_ms": GOAL_MS, "met": bool(p95 <= FLOOR_MS),
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
