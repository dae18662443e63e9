"""Claims about quivive.core.pipeline: from the spools to verdicts in two threads, and back after what breaks."""

import time

import duckdb
import pytest

from quivive.core.pipeline import _disk_refused
from quivive.model.clock import now_us
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.spool import SpoolWriter


def wait(what, seconds=10):
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "not in time"
        time.sleep(0.02)
    return found


def projected(core):
    return sum(core.projection.watermark().values())


def in_ledger(core):
    return sum(core.ledger.head(shard).entries for shard in core.ledger.shards())


def test_what_is_spooled_is_in_the_ledger_and_projected(core):
    """Entries arrive, are published, and the projection is not ahead of the ledger."""
    core.start()
    for number in range(20):
        core.writer.write(EntryKind.PARAMETERS, {"n": number})
    wait(lambda: core.pipeline.state.projected >= 20)
    assert projected(core) <= in_ledger(core)
    wait(lambda: all(core.ledger.head(s).published for s in core.ledger.shards()))
    wait(lambda: core.pipeline.state.judgements)
    assert not core.pipeline.failed.is_set()


def test_stopping_takes_in_what_the_spools_hold(core):
    """What was written a moment before the end is in the ledger after it."""
    core.start()
    core.writer.write(EntryKind.PARAMETERS, {"n": 1})
    core.pipeline.stop()
    core.started = False
    assert in_ledger(core) >= 1


def test_a_rebuild_gives_the_same_watermark(core):
    """Thrown away and read again; `rebuilding` is true from the request to the end."""
    core.start()
    for number in range(30):
        core.writer.write(EntryKind.PARAMETERS, {"n": number})
    wait(lambda: projected(core) >= 30)
    before = core.projection.watermark()
    core.pipeline.request_rebuild()
    assert core.pipeline.rebuilding
    wait(lambda: not core.pipeline.rebuilding)
    assert core.projection.watermark() == before


def test_a_new_source_is_followed_without_a_restart(core):
    """A spool folder that appears is read in the next round."""
    core.start()
    spool = SpoolWriter.open(core.home / "spool", "late", now_us())
    spool.append(kind=EntryKind.PARAMETERS, captured_at=now_us(), controller="operator", key_id="", body=b'{"n":1}')
    spool.close()
    wait(lambda: core.ledger.cursor("late").seq == 1)


def test_a_damaged_spool_is_a_gap(core):
    """Bytes that cannot be read are told with their source, and reading goes on."""
    spool = SpoolWriter.open(core.home / "spool", "torn", now_us())
    for number in range(3):
        spool.append(
            kind=EntryKind.PARAMETERS, captured_at=now_us(), controller="operator", key_id="", body=b'{"n":%d}' % number
        )
    spool.close()
    file = max(
        (path for path in (core.home / "spool" / "torn").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size
    )
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    core.start()
    wait(lambda: core.ledger.cursor("torn").seq == 3)
    wait(
        lambda: core.projection.cursor().execute("select count(*) from gap where cause = 'spool_damaged'").fetchone()[0]
    )


def test_a_refusing_disk_stops_one_step_and_is_told_once(core):
    """The step is tried again; health says since when, until it works."""
    tries = []

    def step():
        tries.append(1)
        if len(tries) < 3:
            raise StorageError("disk full")
        return 7

    core.pipeline._stop.set()  # no pauses
    assert core.pipeline._try("x", step) == 0
    since = core.pipeline.state.storage_failing_since
    assert since
    assert core.pipeline._try("x", step) == 0
    assert core.pipeline.state.storage_failing_since == since
    assert core.pipeline._try("y", lambda: 1) == 1
    assert core.pipeline.state.storage_failing_since == since
    assert core.pipeline._try("x", step) == 7
    assert core.pipeline.state.storage_failing_since == 0


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (duckdb.TransactionException("Failed to commit: Could not write file: No space left on device"), True),
        (duckdb.IOException("Could not write file"), True),
        (duckdb.FatalException("checkpoint: No space left on device"), False),
        (duckdb.BinderException("no such column"), False),
    ],
)
def test_which_errors_of_the_projection_are_the_disks(error, again):
    """A refused commit is tried again; a fatal error and a defect of ours are not."""
    assert _disk_refused(error) is again


def test_a_fatal_error_ends_the_thread_and_says_failed(core):
    """The core stops then, and is started again from what is on disk."""

    def broken():
        raise duckdb.FatalException("database has been invalidated")

    core.pipeline._guard(broken)
    assert core.pipeline.failed.is_set()
