"""Removal of payload: killed between any two steps it is resumed; commitments, proofs and other days stay as they were."""

import json

import pytest

from quivive.ledger import purge
from quivive.ledger.entry import decode_entry
from quivive.ledger.log import ErasedError
from quivive.ledger.purge import Order
from quivive.ledger.removal import FOLDER, RemovalState
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError, StorageError
from quivive.model.purge import POLICY_PRINCIPAL, PurgedWhat, PurgeRule

SHARD = "aurore/202611"
OLD = "20261019"
DAY_STEPS = ("planned", "key", "segment", "index", "removed")
EVENT_STEPS = ("planned", "next key", "rewrite", "ready", "old key", "old segment", "index", "removed")
END_STEPS = ("planned", "keys", "segments", "logs", "index", "removed")


class KilledError(Exception):
    """Stands for kill -9 between two steps."""


def kill_at(wanted):
    def step(name):
        if name == wanted:
            raise KilledError(name)

    return step


def order(home, rule=PurgeRule.RETENTION_ENDED):
    return Order(rule=rule, planned_by=POLICY_PRINCIPAL, at=home.now + 400 * home.day, declared_days=365)


def filled(home):
    """Two controllers, an old day and the present one, mixed in one log and published."""
    ledger = home.open()
    for turn in range(4):
        first = 1 + 100 * turn
        ledger.append(home.events(first, first + 39), home.now)
        ledger.append(home.events(first + 40, first + 79, at=home.now - 30 * home.day), home.now)
        ledger.append(home.events(first, first + 39, controller="boreal", source="s2"), home.now)
    ledger.publish(home.now, force=True)
    return ledger


def proofs(ledger, shard, indices):
    return {index: ledger.proof(shard, index) for index in indices}


def files_below(*folders):
    return {
        path.relative_to(folder.parent).as_posix(): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "purges" not in path.parts
    }


def numbers(entries, controller="aurore"):
    return sorted(decode_entry(e.data).seq for e in entries if e.data and e.shard.startswith(controller))


def test_a_purged_day_leaves_every_other_byte_as_it_was(home, everything):
    """Tiles, checkpoints, the other days, the other controller and every other proof: byte-identical."""
    ledger = filled(home)
    before = proofs(ledger, SHARD, [i for i in range(320) if i % 80 < 40])
    boreal = proofs(ledger, "boreal/202611", range(0, 160, 7))
    kept = files_below(home.path / "log", home.path / "segments" / "boreal")
    present = (home.path / "segments/aurore/trace/20261118").read_bytes()
    record = ledger.removing.purge_day("aurore", "trace", OLD, order(home))
    assert (record.state, record.count, len(record.keys)) == (RemovalState.REMOVED, 160, 1)
    assert [(each.first, each.count) for each in record.ranges] == [(40 + 80 * turn, 40) for turn in range(4)]
    assert ledger.removing.remains(record) == []
    assert not (home.path / "segments/aurore/trace" / OLD).exists()
    assert not (home.path / "keys/days/aurore/trace" / f"{OLD}.json").exists()
    assert proofs(ledger, SHARD, before) == before
    assert proofs(ledger, "boreal/202611", boreal) == boreal
    assert files_below(home.path / "log", home.path / "segments" / "boreal") == kept
    assert (home.path / "segments/aurore/trace/20261118").read_bytes() == present
    with pytest.raises(ErasedError, match="erased under certificate"):
        ledger.proof(SHARD, 41)
    ledger.close()


def test_readers_go_on_behind_what_was_removed(home):
    """A removed stretch is one entry without data, also when the reader starts inside it and after a restart."""
    ledger = filled(home)
    ledger.removing.purge_day("aurore", "trace", OLD, order(home))
    for _ in range(2):
        marks, seen = {}, []
        while batch := ledger.read(marks, 7):
            for item in batch:
                assert item.index == marks.get(item.shard, 0)
                marks[item.shard] = item.index + item.count
            seen += batch
        assert marks == {SHARD: 320, "boreal/202611": 160}
        assert len(numbers(seen)) == 160
        (inside,) = (item for item in ledger.read({SHARD: 50, "boreal/202611": 160}, 1))
        assert (inside.index, inside.count, inside.data) == (50, 30, b"")
        ledger.close()
        ledger = home.open()
    ledger.close()


def test_a_purged_day_refuses_and_counts_late_events(home):
    """A late event becomes a gap with its own number; what was removed is known when it is delivered again."""
    ledger = filled(home)
    ledger.removing.purge_day("aurore", "trace", OLD, order(home))
    late = home.event(900, at=home.now - 30 * home.day)
    again = home.events(41, 80, at=home.now - 30 * home.day)
    ledger.close()
    (home.path / "spine" / "heads.db").unlink()  # the cache is lost: the record still knows the numbers
    ledger = home.open()
    assert ledger.append([late, *again], home.now) == 1
    (entry,) = ledger.read({SHARD: 320, "boreal/202611": 160}, 10)
    told = decode_entry(entry.data)
    assert (told.kind, told.seq, told.body["cause"], told.body["lost"]) == (EntryKind.GAP, 900, "purged_day", 1)
    assert not (home.path / "segments/aurore/trace" / OLD).exists()
    ledger.close()


@pytest.mark.parametrize("wanted", DAY_STEPS)
@pytest.mark.parametrize("cache", ["kept", "lost"])
def test_a_purge_killed_between_any_two_steps_is_resumed(home, wanted, cache):
    """The next start finishes what was planned; nothing is planned before its record is durable."""
    ledger = filled(home)
    before = proofs(ledger, SHARD, range(40))
    with pytest.raises(KilledError):
        ledger.removing.purge_day("aurore", "trace", OLD, order(home), kill_at(wanted))
    ledger.close()
    if cache == "lost":
        (home.path / "spine" / "heads.db").unlink()
    ledger = home.open()
    if wanted == "planned":
        assert ledger.removals.records() == []
        ledger.removing.purge_day("aurore", "trace", OLD, order(home))
    (record,) = ledger.removals.records()
    assert record.state is RemovalState.REMOVED
    assert ledger.removing.remains(record) == []
    assert proofs(ledger, SHARD, before) == before
    ledger.append(home.events(700, 750), home.now)
    ledger.publish(home.now + 2_000_000, force=True)
    ledger.close()


def test_a_key_left_without_payload_and_the_reverse_are_found(home):
    """Fault 42: the removal is not complete, and is carried out again."""
    ledger = filled(home)
    key = home.path / "keys/days/aurore/trace" / f"{OLD}.json"
    segment = home.path / "segments/aurore/trace" / OLD
    saved = (key.read_bytes(), segment.read_bytes())
    record = ledger.removing.purge_day("aurore", "trace", OLD, order(home))
    key.write_bytes(saved[0])
    assert ledger.removing.remains(record) == ["keys"]
    record = ledger.removing.again(record, home.now)
    segment.write_bytes(saved[1])
    assert ledger.removing.remains(record) == ["segments"]
    record = ledger.removing.again(record, home.now)
    assert ledger.removing.remains(record) == []
    ledger.close()


def test_what_is_not_signed_is_signed_before_it_is_removed(home):
    """No commitment is lost with its payload."""
    ledger = home.open()
    ledger.append(home.events(1, 5), home.now)
    record = ledger.removing.purge_day("aurore", "trace", "20261118", order(home))
    assert record.count == 5
    assert ledger.published_size(SHARD) == 5
    assert ledger.removing.purge_day("aurore", "trace", "20250101", order(home)) is None
    ledger.close()


@pytest.mark.parametrize("index", [0, 39, 40, 55, 79])
def test_erasing_one_event_leaves_every_other_proof(home, index):
    """Its segment is rewritten under a fresh key; first, last and middle of a frame."""
    ledger = filled(home)
    others = [i for i in range(320) if i != index]
    before, kept = proofs(ledger, SHARD, others), files_below(home.path / "log", home.path / "segments" / "boreal")
    record = ledger.removing.erase_event(SHARD, index, order(home, PurgeRule.ERASURE_ORDERED))
    assert (record.what, record.count, record.state) == (PurgedWhat.EVENT, 1, RemovalState.REMOVED)
    assert ledger.removing.remains(record) == []
    after = proofs(ledger, SHARD, others)
    assert after == before
    assert files_below(home.path / "log", home.path / "segments" / "boreal") == kept
    with pytest.raises(ErasedError):
        ledger.proof(SHARD, index)
    assert ledger.append([home.event(1), home.event(41, at=home.now - 30 * home.day)], home.now) == 0
    ledger.close()
    (home.path / "spine" / "heads.db").unlink()
    ledger = home.open()
    assert proofs(ledger, SHARD, others) == before
    with pytest.raises(RefusedError):
        ledger.removing.erase_event(SHARD, index, order(home))
    ledger.close()


@pytest.mark.parametrize("wanted", EVENT_STEPS)
@pytest.mark.parametrize("cache", ["kept", "lost"])
def test_an_erasure_killed_between_any_two_steps_is_resumed(home, wanted, cache):
    """Whatever half stands, the next start puts the segment and its key in place together."""
    ledger = filled(home)
    before = proofs(ledger, SHARD, [i for i in range(320) if i != 55])
    with pytest.raises(KilledError):
        ledger.removing.erase_event(SHARD, 55, order(home), kill_at(wanted))
    ledger.close()
    if cache == "lost":
        (home.path / "spine" / "heads.db").unlink()
    ledger = home.open()
    if wanted == "planned":
        ledger.removing.erase_event(SHARD, 55, order(home))
    (record,) = ledger.removals.records()
    assert (record.state, ledger.removing.remains(record)) == (RemovalState.REMOVED, [])
    assert proofs(ledger, SHARD, before) == before
    assert sorted(path.name for path in (home.path / FOLDER).iterdir()) == [f"{record.id}.json"]
    assert not list((home.path / "keys/days/aurore/trace").glob("*.next.json"))
    ledger.close()


@pytest.mark.parametrize("half", [b"", b"a torn half of a frame"])
@pytest.mark.parametrize("then", ["again", "another erasure", "the day is purged"])
def test_a_failed_write_beside_loses_no_other_entry(home, monkeypatch, half, then):
    """The next round rewrites before it destroys anything; what was appended since is there too."""
    ledger = filled(home)
    write = purge._write

    def refuse(path, data):
        del data
        write(path, half)
        raise StorageError(f"cannot write {path}: no space")

    monkeypatch.setattr(purge, "_write", refuse)
    with pytest.raises(StorageError, match="no space"):
        ledger.removing.erase_event(SHARD, 55, order(home))
    (record,) = ledger.removals.records()
    with pytest.raises(StorageError, match="not rewritten"):
        purge.put_in_place(home.path, home.keyring, ledger._heads, ledger.removals, record, home.now)
    with pytest.raises(StorageError, match="no space"):
        ledger.removing.again(record, home.now)
    monkeypatch.undo()
    gone = {55}
    ledger.append(home.events(900, 909, at=home.now - 30 * home.day), home.now)
    ledger.publish(home.now + 2_000_000, force=True)
    if then == "another erasure":
        ledger.removing.erase_event(SHARD, 60, order(home))
        gone.add(60)
    elif then == "the day is purged":
        gone |= {i for i in range(330) if i >= 320 or i % 80 >= 40}
        ledger.removing.purge_day("aurore", "trace", OLD, order(home))
    record = ledger.removing.again(record, home.now)
    assert (record.state, ledger.removing.remains(record)) == (RemovalState.REMOVED, [])
    assert {each.count for each in ledger.removals.records() if each.what is PurgedWhat.EVENT} == {1}
    for _ in range(2):
        assert set(proofs(ledger, SHARD, [i for i in range(330) if i not in gone])) == set(range(330)) - gone
        assert len(numbers(ledger.read({}, 1_000))) == 330 - len(gone)
        assert not [path for path in (home.path / FOLDER).iterdir() if path.suffix == ".segment"]
        ledger.close()
        ledger = home.open()
    ledger.close()


def test_what_was_appended_before_the_old_key_went_stays(home):
    """Ready, then refused: the day goes on under its old key, and the rewrite takes that in."""
    ledger = filled(home)
    with pytest.raises(KilledError):
        ledger.removing.erase_event(SHARD, 55, order(home), kill_at("old key"))
    (record,) = ledger.removals.records()
    assert record.state is RemovalState.READY
    ledger.append(home.events(900, 909, at=home.now - 30 * home.day), home.now)
    ledger.removing.again(record, home.now)
    assert len(numbers(ledger.read({}, 1_000))) == 329
    ledger.close()


def test_the_only_event_of_a_day_may_be_erased_and_the_day_goes_on(home):
    """An empty segment is no file; a later event of the day finds its place."""
    ledger = home.open()
    ledger.append(home.events(1, 1), home.now)
    ledger.publish(home.now, force=True)
    ledger.removing.erase_event(SHARD, 0, order(home))
    ledger.append(home.events(2, 2), home.now)
    ledger.close()
    ledger = home.open()
    assert [item.count for item in ledger.read({}, 10)] == [1, 1]
    ledger.close()


@pytest.mark.parametrize("wanted", [None, *END_STEPS])
def test_the_end_of_a_contract_leaves_the_others_untouched(home, wanted):
    """Keys, segments, logs and journals of one controller go; every proof of the others stays, killed or not."""
    ledger = filled(home)
    ledger.removing.purge_day("aurore", "trace", OLD, order(home))
    boreal = proofs(ledger, "boreal/202611", range(160))
    kept = files_below(*(f for f in [home.path / "segments" / "boreal"]))
    slots = {"boreal": home.slots["boreal"]}
    log_id = ledger.removals.records()[0] and home.keyring.log_keys("aurore").log_id
    end = order(home, PurgeRule.CONTRACT_ENDED)
    if wanted is None:
        ledger.removing.end_controller("aurore", end)
    else:
        with pytest.raises(KilledError):
            ledger.removing.end_controller("aurore", end, kill_at(wanted))
        ledger.close()
        ledger = home.open(slots)
        if wanted == "planned":
            ledger.removing.end_controller("aurore", end)
    (record,) = ledger.removals.records()
    assert (record.what, record.count, record.state) == (PurgedWhat.CONTROLLER, 320, RemovalState.REMOVED)
    assert ledger.removing.remains(record) == []
    assert not [path for path in home.path.rglob("*") if log_id in path.name]
    ledger.publish(home.now + 5_000_000, force=True)
    assert proofs(ledger, "boreal/202611", boreal) == boreal
    assert files_below(*(f for f in [home.path / "segments" / "boreal"])) == kept
    assert json.loads((home.path / "spine" / "slots.json").read_bytes())["texts"].keys() == {"7"}
    ledger.close()
    home.open(slots).close()


def test_a_damaged_segment_is_not_purged_over(home):
    """Evidence of damage is looked at by a person first; the day takes events again."""
    ledger = filled(home)
    path = home.path / "segments/aurore/trace" / OLD
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(StorageError, match="damaged"):
        ledger.removing.purge_day("aurore", "trace", OLD, order(home))
    assert ledger.removals.records() == []
    assert ledger.append(home.events(990, 990, at=home.now - 30 * home.day), home.now) == 1
    ledger.close()
