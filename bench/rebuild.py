"""Rebuild of the projection from ledger entries (floor 50,000 entries/s, goal 200,000). Prints one JSON object.

`--scale 0.1` shrinks. Entries are realistic JSON (accesses, links, contacts, heartbeats), already read from the
ledger: the figure is decoding, laying out columns and merging.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from quivive.projection.projection import Projection

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from traces import CUSTOMER, ORDER, SECOND, T0, Shards, access, call, heartbeat, link

ENTRIES, BATCH = 500_000, 50_000
FLOOR, GOAL = 50_000, 200_000


def entries(count: int) -> list:
    """Seven accesses, one link, one call and one heartbeat in ten entries."""
    shards, found = Shards(), []
    for turn in range(count // 10):
        at = T0 + turn * SECOND // 10
        agent = f"login-{turn % 300}"
        events = [
            access(f"{turn}-{look}", at + look, [(ORDER if look % 2 else CUSTOMER, f"{(turn * 7 + look) % 50_000}")],
                   agent=agent)
            for look in range(7)
        ]  # fmt: skip
        events += [
            link(f"o{turn % 50_000}", f"{turn % 50_000}", at=at),
            call(f"k{turn}", at, at + 60 * SECOND, agents=[agent], subjects=[("record", str(turn % 50_000))]),
            heartbeat(at),
        ]
        found.extend(shards.durable(events))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    feed = entries(int(ENTRIES * arguments.scale))
    batch = min(BATCH, max(1_000, len(feed) // 4))
    with tempfile.TemporaryDirectory() as folder:
        projection = Projection.open(Path(folder))
        started, cpu = time.perf_counter(), time.process_time()
        for first in range(0, len(feed), batch):
            projection.apply(feed[first : first + batch])
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
        projection.close()
    rate = len(feed) / seconds
    print(
        json.dumps(
            {
                "bench": "rebuild", "scale": arguments.scale, "entries": len(feed), "batch": batch,
                "seconds": round(seconds, 2), "cpu_seconds": round(cpu_s, 2), "entries_per_second": round(rate),
                "floor": FLOOR, "goal": GOAL, "met": rate >= FLOOR,
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
