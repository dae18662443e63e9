"""Heads read at one moment: a folder in use is verified while it grows."""

import threading

from quivive.ledger import pinned as room
from quivive.ledger.finding import Exit
from quivive.ledger.pinned import pin
from quivive.ledger.verify import verify_home


def test_a_folder_that_nobody_has_open_is_read_at_once(home):
    """Even when journal and checkpoint differ: nothing will settle it."""
    ledger = home.open()
    ledger.append(home.events(1, 5), home.now)
    ledger.publish(home.now)
    ledger.close()
    checkpoint = next((home.path / "log").rglob("checkpoint"))
    checkpoint.write_bytes(b"another")
    pinned = pin(home.path)
    assert not pinned.in_use
    assert pinned.files[checkpoint] == b"another"


def test_an_empty_folder_has_no_heads(tmp_path):
    """Nothing there is not an error."""
    assert pin(tmp_path).files == {}


def test_an_open_ledger_is_in_use(home):
    """The lock tells, and is not taken away."""
    ledger = home.open()
    assert pin(home.path).in_use
    ledger.append(home.events(1, 5), home.now)
    ledger.close()
    assert not pin(home.path).in_use


def test_a_first_publication_under_way_is_waited_for(home, monkeypatch):
    """Between the first journal of a log and its checkpoint, the heads are read again."""
    ledger = home.open()
    ledger.append(home.events(1, 5), home.now)
    ledger.publish(home.now)
    checkpoint = next((home.path / "log").rglob("checkpoint"))
    signed = checkpoint.read_bytes()
    checkpoint.unlink()
    monkeypatch.setattr(room.time, "sleep", lambda _: checkpoint.write_bytes(signed))
    assert pin(home.path).files[checkpoint] == signed
    ledger.close()


def test_a_growing_folder_is_verified_whole(home):
    """Verification while events are appended and published finds nothing, again and again."""
    ledger = home.open()
    ledger.append(home.events(1, 300), home.now)
    ledger.publish(home.now)
    stop = threading.Event()

    def grow():
        at, seq = home.now, 301
        while not stop.wait(0.005):
            at += 2_000_000
            ledger.append(home.events(seq, seq + 20), at)
            ledger.append(home.events(seq, seq + 5, controller="boreal", source="s2"), at)
            ledger.publish(at)
            seq += 21

    thread = threading.Thread(target=grow)
    thread.start()
    reports = []
    try:
        while len(reports) < 6 or (reports[-1].entries == 300 and len(reports) < 500):  # until it was seen to grow
            reports.append(verify_home(home.path))
    finally:
        stop.set()
        thread.join()
        ledger.close()
    assert [report.findings for report in reports] == [[]] * len(reports)
    assert reports[-1].entries > 300
    assert verify_home(home.path).exit_code is Exit.VERIFIED
