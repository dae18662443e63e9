"""What the fault tests share: a small home, one step of work, and the judgement after a crash."""

import os
from pathlib import Path

from quivive.ledger.entry import decode_entry
from quivive.ledger.log import Ledger
from quivive.ledger.verify import verify_home
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.privacy.keyring import Keyring

NOW = 1_795_000_000_000_000
LATER = NOW + 15 * 86_400_000_000
"""The next month: the shard rolls over in the same append."""
SLOTS = {"aurore": 1, "boreal": 2}
ORIGIN = "quivive.example/centre"
BASE = 40
WORK = 30
LONG = os.environ.get("QUIVIVE_FAULTS") == "long"
"""`make fault` runs everything; `make test` a fixed selection."""


def event(seq, at=NOW):
    return SpoolEvent(
        kind=EntryKind.ACCESS,
        source="s1",
        epoch=NOW,
        seq=seq,
        captured_at=at + seq,
        controller="aurore" if seq % 3 else "boreal",
        key_id="k1",
        body=b'{"n":%d,"pad":"%s"}' % (seq, b"x" * (seq % 50)),
    )


def open_ledger(home):
    return Ledger.open(home, Keyring.open(home), SLOTS, ORIGIN)


def make_base(home, entries=BASE):
    """A home with two controllers' logs, published."""
    Keyring.create(home, list(SLOTS))
    ledger = open_ledger(home)
    ledger.append([event(seq) for seq in range(1, entries + 1)], NOW)
    ledger.publish(NOW)
    ledger.close()


def stored(ledger):
    """Every sequence number of source s1, in the order of the shards."""
    marks, seqs = {}, []
    while batch := ledger.read(marks, 1000):
        for item in batch:
            entry = decode_entry(item.data)
            seqs += [entry.seq] if entry.source == "s1" else []
            marks[item.shard] = item.index + 1
    return seqs


def settle(home: Path, acknowledged: int) -> None:
    """Reopen after a crash: everything acknowledged once, heads never back, a whole verification after publishing."""
    before = {path: path.read_bytes() for path in home.rglob("checkpoint")}
    ledger = open_ledger(home)
    seqs = stored(ledger)
    assert len(seqs) == len(set(seqs)), "an event stands twice"
    assert set(range(1, acknowledged + 1)) <= set(seqs), "an acknowledged event is lost"
    ledger.publish(NOW + 10**12, force=True)
    ledger.close()
    for path, note in before.items():
        assert size(path.read_bytes()) >= size(note), "a head went back"
    report = verify_home(home, held=list(keep(home.parent / "held", before)))
    assert report.exit_code == 0, report.findings[:5]
    assert report.unpublished == 0


def size(note):
    return int(note.split(b"\n")[1])


def keep(folder, notes):
    """Heads of before the crash, as a reader keeps them: the log must contain each (never two roots for one size)."""
    folder.mkdir(exist_ok=True)
    for number, note in enumerate(notes.values()):
        path = folder / str(number)
        path.write_bytes(note)
        yield path
