"""A copy taken while the ledger works is whole."""

import threading

from quivive.ledger.verify import verify_home


def test_copies_taken_under_load_verify(home, tmp_path):
    """Whatever is appended and published meanwhile, the copy's heads cover what it holds."""
    ledger = home.open()
    ledger.append(home.events(1, 50), home.now)
    ledger.publish(home.now)
    stop = threading.Event()

    def work():
        seq, at = 51, home.now
        while not stop.is_set():
            ledger.append(home.events(seq, seq + 30), at)
            seq, at = seq + 31, at + 1_100_000
            ledger.publish(at)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for number in range(5):
            ledger.snapshot(tmp_path / f"copy{number}")
            report = verify_home(tmp_path / f"copy{number}")
            assert report.exit_code == 0, report.findings
            assert report.entries >= 50
    finally:
        stop.set()
        worker.join()
    ledger.close()
