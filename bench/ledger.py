"""Ledger benchmark, as JSON: bulk append with publication, and acknowledgements at 2,000 events a second.

    python bench/ledger.py [--entries 50000] [--seconds 5] [--rate 2000]

`bulk`: events handed to the ledger in batches until durable, with all tiles, signatures and the spine;
`bulk_per_cpu_second` says what a machine without neighbours would do.
`live`: events appended to a spool at a steady rate; `acknowledged` is append → fdatasync of the spool,
`in_ledger` is append → durable in the ledger, while a thread ingests and publishes each second.
"""

import argparse
import asyncio
import json
import os
import tempfile
import threading
import time
from pathlib import Path

from quivive.ledger.log import Ledger
from quivive.ledger.verify import verify_home
from quivive.model.clock import now_us
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.privacy.keyring import Keyring
from quivive.spool import AsyncSpool, SpoolReader, SpoolWriter

SLOTS = {"aurore": 1, "boreal": 2, "cassio": 3}
BATCH = 2_000
IDLE_S = 0.02
FLOORS = {"bulk_per_second": 10_000, "acknowledged_p99_ms": 50}
GOALS = {"bulk_per_second": 50_000, "acknowledged_p99_ms": 20}


def body(number: int) -> bytes:
    """A realistic access: two random keys, an agent, a table, columns."""
    keys = os.urandom(48).hex()
    return (
        b'{"action":"read","agent":"%s","columns":["customer.id","customer.last_name"],"coverage":"exact",'
        b'"outcome":"ok","records":["%s","%s"],"rows":2,"seq":%d,"tables":["public.customer"]}'
        % (keys[:32].encode(), keys[32:64].encode(), keys[64:].encode(), number)
    )


def event(number: int, at: int) -> SpoolEvent:
    return SpoolEvent(
        kind=EntryKind.ACCESS,
        source="bench",
        epoch=1,
        seq=number,
        captured_at=at,
        controller=list(SLOTS)[number % len(SLOTS)],
        key_id="k1",
        body=body(number),
    )


def percentile(values: list[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000, 2)


def open_home(home: Path) -> Ledger:
    return Ledger.open(home, Keyring.create(home, list(SLOTS)), SLOTS, "quivive.example/bench")


def bulk(home: Path, entries: int) -> dict[str, object]:
    ledger, at = open_home(home), now_us()
    events = [event(number, at) for number in range(1, entries + 1)]
    started, cpu = time.perf_counter(), time.process_time()
    for first in range(0, entries, BATCH):
        ledger.append(events[first : first + BATCH], at)
    appended = time.perf_counter()
    ledger.publish(at)
    published, cpu = time.perf_counter(), time.process_time() - cpu
    ledger.close()
    reopened = time.perf_counter()
    report = verify_home(home)
    verified = time.perf_counter()
    segments = sum(path.stat().st_size for path in (home / "segments").rglob("*") if path.is_file())
    return {
        "entries": entries,
        "append_per_second": round(entries / (appended - started)),
        "publish_per_second": round(entries / (published - appended)),
        "bulk_per_second": round(entries / (published - started)),
        "bulk_per_cpu_second": round(entries / cpu),
        "verify_per_second": round(report.entries / (verified - reopened)),
        "verify_exit": int(report.exit_code),
        "event_bytes": len(events[0].body),
        "segment_bytes_per_entry": round(segments / entries, 1),
    }


class Ingest(threading.Thread):
    """What the core's ingest thread does."""

    def __init__(self, home: Path, ledger: Ledger) -> None:
        super().__init__()
        self.ledger, self.reader, self.stopping = ledger, SpoolReader(home / "spool", "bench"), threading.Event()
        self.lags: list[float] = []

    def run(self) -> None:
        published = time.monotonic()
        while True:
            ending = self.stopping.is_set()
            events = self.reader.poll(self.ledger.cursor("bench"), BATCH)
            if events:
                self.ledger.append(events, now_us())
                now = now_us()
                self.lags += [(now - item.captured_at) / 1e6 for item in events]
            elif ending:
                return
            if time.monotonic() - published >= 1:
                self.ledger.publish(now_us())
                published = time.monotonic()
            if not events:
                time.sleep(IDLE_S)


async def produce(home: Path, rate: int, seconds: float) -> list[float]:
    spool = AsyncSpool(SpoolWriter.open(home / "spool", "bench", now_us()))
    waits: list[float] = []

    async def one(number: int) -> None:
        started = time.perf_counter()
        seq = spool.append(
            kind=EntryKind.ACCESS,
            captured_at=now_us(),
            controller=list(SLOTS)[number % len(SLOTS)],
            key_id="k1",
            body=body(number),
        )
        await spool.durable(seq)
        waits.append(time.perf_counter() - started)

    tasks, started, sent = [], time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds:
        due = int(elapsed * rate)
        tasks += [asyncio.create_task(one(number)) for number in range(sent, due)]
        sent = due
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)
    await spool.close()
    return waits


def live(home: Path, rate: int, seconds: float) -> dict[str, object]:
    ledger = open_home(home)
    ingest = Ingest(home, ledger)
    ingest.start()
    waits = asyncio.run(produce(home, rate, seconds))
    ingest.stopping.set()
    ingest.join()
    ledger.publish(now_us(), force=True)
    ledger.close()
    return {
        "rate": round(len(waits) / seconds),
        "events": len(waits),
        "acknowledged_p50_ms": percentile(waits, 0.5),
        "acknowledged_p99_ms": percentile(waits, 0.99),
        "in_ledger_p50_ms": percentile(ingest.lags, 0.5),
        "in_ledger_p99_ms": percentile(ingest.lags, 0.99),
        "verify_exit": int(verify_home(home).exit_code),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        result = {
            "benchmark": "ledger",
            "bulk": bulk(Path(folder) / "bulk", options.entries),
            "live": live(Path(folder) / "live", options.rate, options.seconds),
            "floors": FLOORS,
            "goals": GOALS,
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
