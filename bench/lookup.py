"""Subject look-up over 50 M accesses in sealed Parquet (p95 floor 500 ms, goal 100 ms). Prints one JSON object.

`--scale 0.01` shrinks. Days are written as the seal writes them (same order, same row groups) and listed in
`sealed_set`; each look-up is the query behind the page *Personne concernée*, links and verdicts included.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from quivive.projection.projection import Projection
from quivive.projection.query import Scope
from quivive.projection.sealed import ROW_GROUP_ROWS, SEALED_TABLES, day_bounds

ACCESSES, DAYS, CUSTOMERS, LOOKUPS = 50_000_000, 50, 2_000_000, 100
FLOOR_MS, GOAL_MS = 500, 100
CONTROLLER = "aurore"


ROWS = """CREATE OR REPLACE TEMP TABLE day_row AS SELECT
    hash({first} + i) AS access_hi, CAST(i + 1 AS UBIGINT) AS access_lo,
    CAST({start} + i * {step} + hash(i + {first} * 3) % {step} AS BIGINT) AS started_at, '{controller}' AS controller,
    hash({first} * 7 + i) % {customers} AS customer, hash({first} * 11 + i) % 300 AS agent
FROM range({count}) t(i)"""
KEY = "hash(customer * 2 + 1) AS key_hi, customer + 1 AS key_lo"
TEXTS = {
    "access": "SELECT access_hi, access_lo, started_at, started_at + 1000 AS ended_at, controller, 'db' AS source,"
    " 'A' AS grade, hash(agent) AS agent_hi, agent + 1 AS agent_lo, 0::UBIGINT AS contact_hi, 0::UBIGINT AS contact_lo,"
    " 'session_variable' AS attribution, 'read' AS action, 'aa' AS shape, 'public.customer' AS tables,"
    " 'public.customer.name' AS columns, '' AS changed, 'exact' AS coverage, 1::BIGINT AS row_count,"
    " 1::BIGINT AS distinct_count, 'ok' AS outcome, '' AS pattern_class, 0 AS fixed_chars, TRUE AS final, 0 AS part,"
    " 0::UBIGINT AS tie FROM day_row",
    "exposure": f"SELECT access_hi, access_lo, started_at, controller, {KEY},"
    " 'public.customer' AS record_table FROM day_row",
    "verdict": f"SELECT access_hi, access_lo, started_at, controller, {KEY}, 1 AS revision, started_at AS decided_at,"
    " 'unexplained' AS verdict, 'none' AS strength, 'none' AS template, 'none' AS cause, 0::UBIGINT AS contact_hi,"
    " 0::UBIGINT AS contact_lo, 0::BIGINT AS delta_us, 0 AS subject_rank, TRUE AS final, FALSE AS late FROM day_row",
}


def seal_day(projection: Projection, day: str, number: int, count: int) -> None:
    """Write one day of accesses, one exposure and one verdict each, generated in SQL: 50 M rows in minutes."""
    start, end = day_bounds(day)
    cursor = projection.cursor()
    folder = projection.sealed.day_folder(CONTROLLER, day)
    folder.mkdir(parents=True)
    step = (end - start) // count
    cursor.execute(
        ROWS.format(
            first=number * count, start=start, step=step, controller=CONTROLLER, customers=CUSTOMERS, count=count
        )
    )
    for table, order in SEALED_TABLES.items():
        cursor.execute(
            f"COPY ({TEXTS[table]} ORDER BY {order}) TO '{folder}/{table}-0000.parquet'"
            f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
        )
    cursor.execute("INSERT INTO sealed_set VALUES ($1, $2, 0)", [CONTROLLER, day])
    cursor.close()


def hexadecimal(projection: Projection, customer: int) -> str:
    """The key under which the generated rows show a customer."""
    cursor = projection.cursor()
    found = cursor.execute(f"SELECT {KEY} FROM (SELECT CAST({customer} AS UBIGINT) AS customer)").fetchone()
    cursor.close()
    return f"{found[0]:016x}{found[1]:016x}"


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
        cursor = projection.cursor()
        cursor.execute(
            f"INSERT INTO link SELECT '{CONTROLLER}', hash(customer * 2), customer + 1, 'phone', {KEY},"
            f" 'public.customer', 0 FROM (SELECT CAST(range AS UBIGINT) AS customer FROM range({CUSTOMERS // 10}))"
        )
        cursor.close()
        projection.close()
        projection = Projection.open(Path(folder))
        scope = Scope(
            controllers=(CONTROLLER,), from_at=day_bounds(days[0])[0], to_at=day_bounds(days[-1])[1], purpose="bench",
            principal="bench",
        )  # fmt: skip
        chance = np.random.default_rng(9)
        times, cpu_times, found = [], [], 0
        for customer in chance.integers(0, CUSTOMERS, LOOKUPS):
            key = hexadecimal(projection, int(customer))
            started, cpu = time.perf_counter(), time.process_time()
            rows = projection.query(scope, "accesses_by_subject", {"keys": [key]})
            times.append((time.perf_counter() - started) * 1000)
            cpu_times.append((time.process_time() - cpu) * 1000)
            found += len(rows)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
        projection.close()
    p50, p95 = np.percentile(times, 50), np.percentile(times, 95)
    print(
        json.dumps(
            {
                "bench": "lookup", "scale": arguments.scale, "accesses": per_day * DAYS, "days": DAYS,
                "bytes_per_access": round(size / (per_day * DAYS), 1), "lookups": LOOKUPS,
                "accesses_found": found, "p50_ms": round(p50), "p95_ms": round(p95),
                "cpu_p50_ms": round(np.percentile(cpu_times, 50)), "cpu_p95_ms": round(np.percentile(cpu_times, 95)),
                "floor_ms": FLOOR_MS,
                "goal_ms": GOAL_MS, "met": bool(p95 <= FLOOR_MS),
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
