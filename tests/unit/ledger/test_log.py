"""The ledger: once each, in order, by class and day, published before shown."""

import json
import shutil

import pytest

from quivive.ledger.entry import decode_entry
from quivive.ledger.log import Ledger
from quivive.ledger.merkle import leaf_hash, verify_inclusion
from quivive.ledger.note import open_note
from quivive.ledger.published import RollbackError
from quivive.ledger.recovery import LedgerDamagedError
from quivive.ledger.verify import verify_home
from quivive.model.entry import EntryKind, RetentionClass
from quivive.model.errors import ConfigurationError, StorageError
from quivive.spool import SpoolCursor


def test_events_are_stored_once_and_read_in_index_order(home, everything):
    """Redelivered events, within a batch and after a restart, are counted and stored once."""
    ledger = home.open()
    assert ledger.append([*home.events(1, 5), *home.events(3, 7)], home.now) == 7
    assert ledger.append(home.events(1, 9, controller="aurore"), home.now) == 2
    ledger.close()
    ledger = home.open()
    assert ledger.append(home.events(1, 9), home.now) == 0
    entries, marks = everything(ledger, step=2)
    assert [decode_entry(item.data).seq for item in entries] == list(range(1, 10))
    assert marks == {"aurore/202611": 9}
    assert ledger.cursor("s1") == SpoolCursor(source="s1", epoch=home.now, seq=9)
    assert ledger.cursor("nobody") == SpoolCursor(source="nobody")
    ledger.close()


def test_controllers_classes_and_days_have_their_own_segments(home, everything):
    """An event lands in the segment of its controller, class and day; a late one in its own day."""
    ledger = home.open()
    ledger.append(
        [
            home.event(1),
            home.event(2, controller="boreal"),
            home.event(3, kind=EntryKind.GAP),
            home.event(4, at=home.now - 30 * home.day),
        ],
        home.now,
    )
    found = {path.relative_to(home.path / "segments").as_posix() for path in (home.path / "segments").rglob("2026*")}
    assert found == {
        "aurore/trace/20261118",
        "boreal/trace/20261118",
        "aurore/governance/20261118",
        "aurore/trace/20261019",
    }
    entries, marks = everything(ledger)
    assert marks == {"aurore/202611": 3, "boreal/202611": 1}
    assert {(item.day, decode_entry(item.data).seq) for item in entries} == {
        ("20261118", 1),
        ("20261118", 2),
        ("20261118", 3),
        ("20261019", 4),
    }
    ledger.close()


def test_evidence_leaves_only_below_the_published_size(home):
    """A proof exists once a checkpoint covers the entry, and verifies with the public key alone."""
    ledger = home.open()
    ledger.append(home.events(1, 300), home.now)
    shard = "aurore/202611"
    assert ledger.published_size(shard) == 0
    with pytest.raises(StorageError, match="not published"):
        ledger.proof(shard, 0)
    assert ledger.publish(home.now)
    ledger.append(home.events(301, 310), home.now)
    assert (ledger.published_size(shard), ledger.head(shard).entries) == (300, 310)
    with pytest.raises(StorageError, match="not published"):
        ledger.proof(shard, 300)
    with pytest.raises(StorageError, match="no such log"):
        ledger.proof("nobody/202611", 0)
    proof = ledger.proof(shard, 123)
    assert decode_entry(proof.data).seq == 124
    key = ledger.verifier_key(shard)
    assert open_note(proof.note.encode(), key).split("\n")[1] == "300"
    from quivive.ledger.commitment import Committer

    entry = Committer(key.name).log_entry(123, proof.salt, proof.data)
    verify_inclusion(entry_hash=leaf_hash(entry), index=123, size=proof.size, proof=proof.hashes, root=proof.root)
    ledger.close()


def test_at_most_one_checkpoint_a_second(home):
    """Publishing twice within a second publishes once; what waits comes with the next."""
    ledger = home.open()
    ledger.append(home.events(1, 5), home.now)
    assert ledger.publish(home.now)
    ledger.append(home.events(6, 9), home.now)
    assert not ledger.publish(home.now + 999_999)
    assert ledger.publish(home.now + 1_000_000)
    assert ledger.head("aurore/202611").published == 9
    assert not ledger.publish(home.now + 9_000_000)
    assert ledger.head("aurore/202611").signed_at == home.now + 1_000_000
    ledger.close()


def test_a_new_month_commits_to_the_one_before(home, everything):
    """The first entry of a shard names the final checkpoint of the month before, which covers everything."""
    ledger = home.open()
    ledger.append(home.events(1, 20), home.now)
    later = home.now + 15 * home.day
    ledger.append(home.events(21, 25, at=later), later)
    ledger.append(home.events(26, 27, at=later), home.now)  # a clock stepping back
    old, new = ledger.head("aurore/202611"), ledger.head("aurore/202612")
    assert (old.entries, old.published, new.entries) == (20, 20, 8)
    assert ledger.shards() == ["aurore/202611", "aurore/202612"]
    entries, _ = everything(ledger)
    first = decode_entry(entries[20].data)
    assert first.kind is EntryKind.SHARD_OPEN
    assert first.retention_class is RetentionClass.CERTIFICATE
    import base64

    assert first.body["root"] == base64.b64decode(old.root).hex()
    assert first.body["size"] == 20
    ledger.publish(later, force=True)
    ledger.close()
    assert verify_home(home.path).exit_code == 0


def test_an_impossible_event_becomes_a_gap_with_its_number(home, everything):
    """Unknown controllers, bodies that are no objects and impossible instants lose one event, visibly."""
    ledger = home.open()
    bad = [
        home.event(1, controller="stranger"),
        home.event(2, body=b"{"),
        home.event(3, at=-5),
        home.event(4, at=10**18),
    ]
    assert ledger.append([*bad, home.event(5)], home.now) == 5
    entries = [decode_entry(item.data) for item in everything(ledger)[0]]
    assert sorted((entry.seq, entry.kind, entry.controller) for entry in entries) == [
        (1, EntryKind.GAP, "operator"),
        (2, EntryKind.GAP, "aurore"),
        (3, EntryKind.GAP, "aurore"),
        (4, EntryKind.GAP, "aurore"),
        (5, EntryKind.ACCESS, "aurore"),
    ]
    assert ledger.append(bad, home.now) == 0
    ledger.close()


def test_large_batches_are_cut_into_frames(home, everything, monkeypatch):
    """No frame grows beyond its bound, and reading is the same."""
    from quivive.ledger import shard

    monkeypatch.setattr(shard, "MAX_FRAME_EVENTS", 7)
    ledger = home.open()
    ledger.append(home.events(1, 100), home.now)
    (run,) = ledger._heads.runs("aurore/202611", 0, 1000)
    assert run.frames == 15
    assert [decode_entry(item.data).seq for item in everything(ledger, step=9)[0]] == list(range(1, 101))
    ledger.close()


def test_small_frames_read_back_from_any_index(home, everything):
    """Many small appends, two classes: every index can be read and proved by itself."""
    ledger = home.open()
    for seq in range(1, 101):
        ledger.append([home.event(seq, kind=EntryKind.GAP if seq % 10 == 0 else EntryKind.ACCESS)], home.now)
    ledger.publish(home.now)
    shard = "aurore/202611"
    for index in range(100):
        (item,) = ledger.read({shard: index}, 1)
        assert (item.index, decode_entry(item.data).seq) == (index, index + 1)
        assert ledger.proof(shard, index).data == item.data
    assert len(everything(ledger, step=7)[0]) == 100
    ledger.close()


def test_a_batch_too_large_to_wait_is_published_by_append(home, monkeypatch):
    """Memory stays bounded when nobody publishes."""
    from quivive.ledger import log

    monkeypatch.setattr(log, "MAX_PENDING_ENTRIES", 50)
    ledger = home.open()
    for first in range(1, 200, 20):
        ledger.append(home.events(first, first + 19), home.now)
    assert ledger.head("aurore/202611").published >= 100
    assert len(ledger._shards["aurore/202611"].pending) < 100
    ledger.close()


def test_only_one_process_has_the_ledger(home):
    """A second writer is refused, and may come after the first."""
    ledger = home.open()
    with pytest.raises(StorageError, match="another process"):
        home.open()
    ledger.close()
    home.open().close()


def test_an_origin_must_be_one(home):
    """A newline in an origin never reaches a signature."""
    with pytest.raises(ConfigurationError):
        Ledger.open(home.path, home.keyring, home.slots, "a\nb")


def test_without_heads_db_everything_is_rebuilt(home, everything):
    """The cache is a cache: index, cursors, ranges and heads come back from frames and signatures."""
    ledger = home.open()
    ledger.append(home.events(1, 300), home.now)
    ledger.publish(home.now)
    ledger.append(home.events(301, 320, controller="boreal"), home.now)
    before = everything(ledger)
    ledger.close()
    for path in (home.path / "spine").glob("heads.db*"):
        path.unlink()
    ledger = home.open()
    assert everything(ledger) == before
    assert ledger.cursor("s1").seq == 320
    assert ledger.append(home.events(1, 320), home.now) == 0
    ledger.publish(home.now + 5_000_000)
    ledger.close()
    assert verify_home(home.path).exit_code == 0


def test_a_torn_tail_is_cut_and_reported(home, everything):
    """Bytes of an append that never returned are removed; what was acknowledged stays."""
    ledger = home.open()
    ledger.append(home.events(1, 10), home.now)
    ledger.publish(home.now)
    ledger.close()
    path = home.path / "segments/aurore/trace/20261118"
    good = path.read_bytes()
    for junk in (good[: len(good) // 2], bytes(100), b"QVF1"):
        path.write_bytes(good + junk)
        ledger = home.open()
        assert [(tail.start, tail.length) for tail in ledger.torn_tails] == [(len(good), len(junk))]
        assert len(everything(ledger)[0]) == 10
        ledger.close()
        assert path.read_bytes() == good


def test_missing_evidence_stops_the_start(home):
    """A shorter or missing segment is never written over."""
    ledger = home.open()
    ledger.append(home.events(1, 10), home.now)
    ledger.append(home.events(11, 20), home.now)
    ledger.publish(home.now)
    ledger.close()
    path = home.path / "segments/aurore/trace/20261118"
    good = path.read_bytes()
    path.write_bytes(good[:-10])
    with pytest.raises(LedgerDamagedError, match="were acknowledged"):
        home.open()
    for database in (home.path / "spine").glob("heads.db*"):
        database.unlink()
    with pytest.raises(LedgerDamagedError, match="20 entries are published"):
        home.open()
    assert path.read_bytes() == good[:-10]
    path.unlink()
    ledger = home.open()  # nothing in the segments: the shard is unknown until someone writes to it
    with pytest.raises(LedgerDamagedError, match="no segment holds them"):
        ledger.append(home.events(21, 22), home.now)
    ledger.close()


def test_a_restored_backup_refuses_to_sign(home, tmp_path):
    """Yesterday's log and heads under today's journal: the start is refused."""
    ledger = home.open()
    ledger.append(home.events(1, 10), home.now)
    ledger.publish(home.now)
    ledger.close()
    backup = tmp_path / "backup"
    for name in ("log", "segments"):
        shutil.copytree(home.path / name, backup / name)
    shutil.copy(home.path / "spine/heads.db", backup / "heads.db")
    ledger = home.open()
    ledger.append(home.events(11, 20), home.now)
    ledger.publish(home.now + 5_000_000)
    ledger.close()
    for name in ("log", "segments"):
        shutil.rmtree(home.path / name)
        shutil.copytree(backup / name, home.path / name)
    for database in (home.path / "spine").glob("heads.db*"):
        database.unlink()
    shutil.copy(backup / "heads.db", home.path / "spine/heads.db")
    with pytest.raises(RollbackError, match="ahead of the local head"):
        home.open()
    assert verify_home(home.path).exit_code == 40 or verify_home(home.path).exit_code == 30


def test_a_rolled_back_heads_db_refuses_to_sign(home):
    """heads.db alone restored: the checkpoint is ahead of it."""
    ledger = home.open()
    ledger.append(home.events(1, 10), home.now)
    ledger.publish(home.now)
    ledger.close()
    old = (home.path / "spine/heads.db").read_bytes()
    ledger = home.open()
    ledger.append(home.events(11, 20), home.now)
    ledger.publish(home.now + 5_000_000)
    ledger.close()
    (home.path / "spine/heads.db").write_bytes(old)
    with pytest.raises(RollbackError):
        home.open()


def test_a_snapshot_of_a_running_ledger_verifies(home, tmp_path):
    """A copy taken between an append and its publication is whole."""
    ledger = home.open()
    ledger.append(home.events(1, 600), home.now)
    ledger.publish(home.now)
    ledger.append(home.events(601, 650), home.now)
    ledger.snapshot(tmp_path / "copy")
    report = verify_home(tmp_path / "copy")
    assert (report.exit_code, report.entries, report.unpublished) == (0, 600, 50)
    ledger.close()


def test_a_disk_that_refuses_acknowledges_nothing(home, everything, monkeypatch):
    """Whatever call fails, the batch is handed again and stands once; verification is whole afterwards."""
    import errno
    import os

    ledger = home.open()
    ledger.append(home.events(1, 5), home.now)
    ledger.publish(home.now)
    for number, name in enumerate(("write", "fdatasync", "fsync", "open")):
        first = 100 * number + 6
        real = getattr(os, name)

        def refuse(*arguments, **named):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, name, refuse)
        if name != "fsync":
            with pytest.raises(StorageError):
                ledger.append(home.events(first, first + 9), home.now)
        monkeypatch.setattr(os, name, real)
        assert ledger.append(home.events(first, first + 9), home.now) == 10
        monkeypatch.setattr(os, name, refuse)
        if name != "fdatasync":
            with pytest.raises(StorageError):
                ledger.publish(home.now + (number + 1) * 2_000_000)
        monkeypatch.setattr(os, name, real)
        ledger.publish(home.now + (number + 1) * 2_000_000)
    assert len(everything(ledger)[0]) == 45
    ledger.close()
    assert verify_home(home.path).exit_code == 0


def test_entries_are_json_an_inspector_can_read(home, everything):
    """What the ledger stores is plain JSON with the promised fields."""
    ledger = home.open()
    ledger.append([home.event(1)], home.now + 7)
    (item,) = everything(ledger)[0]
    assert json.loads(item.data) == {
        "body": {"n": 1},
        "captured_at": home.now + 1,
        "class": "trace",
        "controller": "aurore",
        "epoch": home.now,
        "id": f"s1/{home.now}/1",
        "ingested_at": home.now + 7,
        "key_id": "k1",
        "kind": "access",
        "seq": 1,
        "source": "s1",
        "v": 1,
    }
    ledger.close()
