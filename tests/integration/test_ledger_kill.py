"""Crashes and full disks: nothing acknowledged is lost, nothing stands twice, verification is whole afterwards."""

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from quivive.ledger.entry import decode_entry
from quivive.ledger.log import Ledger
from quivive.ledger.verify import verify_home
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.model.errors import StorageError
from quivive.privacy.keyring import Keyring
from quivive.spool import SpoolCursor, SpoolReader, SpoolWriter

pytestmark = pytest.mark.integration

NOW = 1_795_000_000_000_000
SLOTS = {"aurore": 1, "boreal": 2}
ORIGIN = "quivive.example/centre"
KILLS = 6
SEED = 7
MAX_STEPS = 400
"""System calls of one append and publication; far above what they are."""
STRIDE = int(os.environ.get("QUIVIVE_FAULT_STRIDE", "3"))
"""Every third call in `make test`; 1 dies before each of them (about a minute)."""


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


def stored(ledger):
    """Every sequence number of source s1, in the order of the shards."""
    marks, seqs = {}, []
    while batch := ledger.read(marks, 1000):
        for item in batch:
            entry = decode_entry(item.data)
            seqs += [entry.seq] if entry.source == "s1" else []
            marks[item.shard] = item.index + 1
    return seqs


def settle(home, acknowledged):
    """Reopen after a crash: everything acknowledged once, and a whole verification after publishing."""
    ledger = open_ledger(home)
    seqs = stored(ledger)
    assert len(seqs) == len(set(seqs)), "an event stands twice"
    assert set(range(1, acknowledged + 1)) <= set(seqs), "an acknowledged event is lost"
    ledger.publish(NOW + 10**12, force=True)
    cursor = ledger.cursor("s1")
    ledger.close()
    report = verify_home(home)
    assert report.exit_code == 0, report.findings[:5]
    assert report.unpublished == 0
    return cursor.seq


LOAD = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {folder!r})
    from test_ledger_kill import event, open_ledger
    ledger = open_ledger(Path({home!r}))
    seq, at = ledger.cursor("s1").seq, {now}
    while True:
        ledger.append([event(seq + n) for n in range(1, 38)], at)
        seq += 37
        print(seq, flush=True)
        at += 150_000
        ledger.publish(at)
"""


def test_kill_under_load_loses_and_doubles_nothing(tmp_path):
    """A process appending and publishing as fast as it can is killed at random, again and again."""
    Keyring.create(tmp_path, list(SLOTS))
    chance = random.Random(SEED)
    cursor = 0
    for kill in range(KILLS):
        script = textwrap.dedent(
            LOAD.format(folder=str(Path(__file__).parent), home=str(tmp_path), now=NOW + kill * 10**9)
        )
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(0.1 + chance.random() * 0.4)
            process.send_signal(signal.SIGKILL)
            lines = (first + process.stdout.read()).split(b"\n")
        acknowledged = int(lines[-2])
        assert acknowledged > cursor
        cursor = settle(tmp_path, acknowledged)
        assert cursor >= acknowledged


def test_kill_before_every_system_call(tmp_path):
    """One append and publication, killed before its writes, syncs, renames, truncations and unlinks in turn."""
    whole = tmp_path / "whole"
    Keyring.create(whole, list(SLOTS))
    ledger = open_ledger(whole)
    ledger.append([event(seq) for seq in range(1, 250)], NOW)
    ledger.publish(NOW)
    ledger.close()
    later = NOW + 15 * 86_400_000_000  # the next month: the shard rolls over in the same append
    for step in range(1, MAX_STEPS, STRIDE):
        home = tmp_path / str(step)
        shutil.copytree(whole, home)
        if not _dies_at(step, home, later):
            break
        settle(home, 249)
        shutil.rmtree(home)
    else:
        pytest.fail("the process never came to its end")
    assert step > 60


def _dies_at(step, home, later):
    """Fork; the child dies before its n-th durable call. Return whether it died."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            _arm(step)
            ledger = open_ledger(home)
            ledger.append([event(seq, later) for seq in range(250, 281)], later)
            ledger.publish(later)
            ledger.close()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9)
    return code == 9


def _arm(step):
    left = [step]

    def deadly(real):
        def call(*arguments, **named):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)
            return real(*arguments, **named)

        return call

    for name in ("write", "fsync", "fdatasync", "rename", "replace", "link", "unlink", "ftruncate", "mkdir"):
        setattr(os, name, deadly(getattr(os, name)))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB, if we may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root; the file size limit below covers the rest")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_refuses_and_goes_on_when_there_is_room(small_disk):
    """Spool and ledger on a full file system: StorageError, then everything is there once."""
    Keyring.create(small_disk, list(SLOTS))
    ballast = small_disk / "ballast"
    ballast.write_bytes(os.urandom(1_500_000))
    writer = SpoolWriter.open(small_disk / "spool", "s1", NOW)
    ledger = open_ledger(small_disk)
    acknowledged, refusals, at, freed = 0, 0, NOW, False
    while refusals < 40 and acknowledged < 6_000:
        at += 1_500_000
        try:
            if writer.last_seq - writer.durable_seq < 100:
                for _ in range(100):
                    body = json.dumps({"pad": os.urandom(30).hex()}).encode()
                    writer.append(kind=EntryKind.ACCESS, captured_at=at, controller="aurore", key_id="k1", body=body)
            writer.sync()
            reader = SpoolReader(small_disk / "spool", "s1")
            events = reader.poll(ledger.cursor("s1"), 500)
            ledger.append(events, at)
            acknowledged = ledger.cursor("s1").seq
            ledger.publish(at)
        except StorageError:
            refusals += 1
            if refusals == 10:
                ballast.unlink()
                freed = True
    assert freed, "the disk never filled"
    assert acknowledged > 1_000
    for path in (small_disk / "spool").rglob("0*"):
        if path.is_file():
            path.unlink()
    writer.abandon()
    ledger.publish(at + 5_000_000, force=True)
    ledger.close()
    settle_small(small_disk, acknowledged)


def settle_small(home, acknowledged):
    ledger = open_ledger(home)
    seqs = stored(ledger)
    ledger.close()
    assert sorted(seqs) == list(range(1, len(seqs) + 1))  # what was durable when the disk refused may be there too
    assert len(seqs) >= acknowledged
    report = verify_home(home)
    assert report.exit_code == 0, report.findings[:5]


def test_a_file_size_limit_refuses_and_loses_nothing(tmp_path):
    """The same through RLIMIT_FSIZE, which cuts writes in the middle of a frame."""
    Keyring.create(tmp_path, list(SLOTS))
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        ledger = open_ledger(tmp_path)
        seq = 0
        with contextlib.suppress(StorageError):
            while True:
                pads = [b'{"pad":"%s"}' % os.urandom(1_000).hex().encode() for _ in range(50)]
                ledger.append([replace(event(seq + 1 + n), body=pad) for n, pad in enumerate(pads)], NOW)
                seq += 50
        with (tmp_path / "acknowledged").open("w") as file:
            file.write(str(seq))
        os._exit(0)
    os.waitpid(child, 0)
    acknowledged = int((tmp_path / "acknowledged").read_text())
    assert acknowledged > 100
    settle(tmp_path, acknowledged)


def test_a_core_that_restarts_takes_the_spool_up_where_it_was(tmp_path):
    """Spool, kill of the writer, torn record, two epochs: the ledger holds each readable event once."""
    Keyring.create(tmp_path, list(SLOTS))
    for epoch in range(2):
        writer = SpoolWriter.open(tmp_path / "spool", "s1", NOW + epoch)
        for _ in range(50):
            writer.append(kind=EntryKind.ACCESS, captured_at=NOW, controller="aurore", key_id="k1", body=b"{}")
        writer.sync()
        writer.abandon()
        with next((tmp_path / "spool/s1").rglob("000001")).open("ab") as file:
            file.write(b"\x00\x00\x01\x00torn")
    for taken in (30, 30, 30, 30):
        ledger = open_ledger(tmp_path)
        reader = SpoolReader(tmp_path / "spool", "s1")
        ledger.append(reader.poll(ledger.cursor("s1"), taken), NOW)
        cursor = ledger.cursor("s1")
        ledger.close()
    assert cursor == SpoolCursor(source="s1", epoch=NOW + 1, seq=50)
    ledger = open_ledger(tmp_path)
    assert len(stored(ledger)) == 100
    ledger.publish(NOW)
    ledger.close()
    assert verify_home(tmp_path).exit_code == 0
