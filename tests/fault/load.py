"""Load with random kills (fault 56): a spool and its ledger at a steady rate, killed at random, again and again.

    python tests/fault/load.py --seconds 1200 [--rate 2000] [--seed 7]

Each life: the child opens everything, appends to the spool in groups, tells the parent what is durable, ingests,
publishes each second, and reports its memory. Between two lives nothing is repaired by hand. At the end: every
acknowledged entry stands once, the folder verifies, memory did not grow from the first lives to the last.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ledger_support import ORIGIN, SLOTS, open_ledger

from quivive.ledger.entry import decode_entry
from quivive.ledger.verify import verify_home
from quivive.model.clock import now_us
from quivive.model.entry import EntryKind
from quivive.privacy.keyring import Keyring
from quivive.spool import SpoolReader, SpoolWriter

GROUP_S = 0.02
MAX_MEMORY_GROWTH = 1.3


def live(home: Path, rate: int) -> None:
    """One life, until killed: prints `epoch seq rss` for what is durable in the spool."""
    ledger = open_ledger(home)
    writer = SpoolWriter.open(home / "spool", "load", now_us())
    reader = SpoolReader(home / "spool", "load")
    epoch, published, dropped, due, started = writer.epoch, 0.0, 0.0, 0, time.monotonic()
    while True:
        now = time.monotonic()
        due = min(int((now - started) * rate), due + 4 * rate)
        while writer.last_seq < due:
            number = writer.last_seq + 1
            writer.append(
                kind=EntryKind.ACCESS,
                captured_at=now_us(),
                controller=list(SLOTS)[number % 2],
                key_id="k1",
                body=b'{"n":%d,"records":["%s"]}' % (number, os.urandom(16).hex().encode()),
            )
        writer.sync()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        sys.stdout.write(f"{epoch} {writer.durable_seq} {pages * 4}\n")
        sys.stdout.flush()
        events = reader.poll(ledger.cursor("load"), 4_096)
        if events:
            ledger.append(events, now_us())
        if now - published >= 1:
            ledger.publish(now_us())
            published = now
        if now - dropped >= 5:
            reader.drop_consumed(ledger.cursor("load"))
            dropped = now
        time.sleep(GROUP_S)


def run(home: Path, options: argparse.Namespace) -> dict[str, object]:
    """Lives and kills until the time is over, then the judgement."""
    Keyring.create(home, list(SLOTS))
    chance, ending, kills = random.Random(options.seed), time.monotonic() + options.seconds, 0
    acknowledged: dict[int, int] = {}
    memory: list[int] = []
    restarts: list[float] = []
    while time.monotonic() < ending:
        command = [sys.executable, __file__, "--live", str(home), "--rate", str(options.rate)]
        started = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            restarts.append(time.monotonic() - started)
            until = min(time.monotonic() + chance.uniform(1, options.life), ending)
            lines = [first]
            while time.monotonic() < until:
                lines = [process.stdout.readline()]
                take(lines[0], acknowledged, memory)
            process.send_signal(signal.SIGKILL)
            for line in process.stdout:
                take(line, acknowledged, memory)
        kills += 1
    return judge(home, acknowledged, memory, restarts, kills)


def take(line: str, acknowledged: dict[int, int], memory: list[int]) -> None:
    """One line of the child, if it is whole."""
    if line.endswith("\n"):
        epoch, seq, rss = (int(part) for part in line.split())
        acknowledged[epoch] = max(acknowledged.get(epoch, 0), seq)
        memory.append(rss)


def judge(home, acknowledged, memory, restarts, kills):
    """Take in what the spools still hold, then count, publish and verify."""
    ledger = open_ledger(home)
    reader = SpoolReader(home / "spool", "load")
    while events := reader.poll(ledger.cursor("load"), 4_096):
        ledger.append(events, now_us())
    ledger.publish(now_us(), force=True)
    seen: dict[int, set[int]] = {}
    marks: dict[str, int] = {}
    doubled = 0
    while batch := ledger.read(marks, 20_000):
        for item in batch:
            marks[item.shard] = item.index + 1
            entry = decode_entry(item.data)
            if entry.source == "load" and entry.kind is EntryKind.ACCESS:
                known = seen.setdefault(entry.epoch, set())
                doubled += entry.seq in known
                known.add(entry.seq)
    ledger.close()
    lost = sum(len(set(range(1, last + 1)) - seen.get(epoch, set())) for epoch, last in acknowledged.items())
    report = verify_home(home)
    tenth = max(1, len(memory) // 10)
    early, late = max(memory[tenth : 3 * tenth] or memory), max(memory[-2 * tenth :])
    return {
        "origin": ORIGIN,
        "kills": kills,
        "acknowledged": sum(acknowledged.values()),
        "lost": lost,
        "doubled": doubled,
        "verify_exit": int(report.exit_code),
        "entries_verified": report.entries,
        "restart_max_s": round(max(restarts), 2),
        "memory_early_kb": early,
        "memory_late_kb": late,
        "good": not lost and not doubled and report.exit_code == 0 and late <= early * MAX_MEMORY_GROWTH,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1_200)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--life", type=float, default=20, help="seconds of the longest life")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--live", type=Path)
    options = parser.parse_args()
    if options.live:
        live(options.live, options.rate)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        result = run(Path(folder) / "home", options)
    print(json.dumps(result, indent=2))
    sys.exit(0 if result["good"] else 1)


if __name__ == "__main__":
    main()
