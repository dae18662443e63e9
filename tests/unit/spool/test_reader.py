"""The reading end: following, damage with bounds, deletion of what is taken."""

import pytest

from quivive.model.entry import EntryKind
from quivive.spool import SpoolCursor, SpoolReader, SpoolWriter, folder
from quivive.spool import writer as writer_module
from quivive.spool.record import HEADER, MAGIC, SpoolDamage

NOW = 1_790_000_000_000_000
START = SpoolCursor(source="s1")


def write(root, count, now=NOW, *, close=True):
    writer = SpoolWriter.open(root, "s1", now)
    for number in range(count):
        writer.append(
            kind=EntryKind.ACCESS, captured_at=now + number, controller="aurore", key_id="k1", body=b'{"n":%d}' % number
        )
        writer.sync()
    if close:
        writer.close()
    return writer


def cursor_of(event):
    return SpoolCursor(source=event.source, epoch=event.epoch, seq=event.seq)


def drain(reader, cursor=START, step=7):
    events = []
    while batch := reader.poll(cursor, step):
        events += batch
        cursor = cursor_of(batch[-1])
    return events


def test_bodies_come_back_byte_for_byte(tmp_path):
    """The body is the source's own bytes, and every field survives."""
    write(tmp_path, 2)
    events = drain(SpoolReader(tmp_path, "s1"))
    assert [event.body for event in events] == [b'{"n":0}', b'{"n":1}']
    assert events[1].captured_at == NOW + 1
    assert (events[1].controller, events[1].key_id, events[1].kind) == ("aurore", "k1", EntryKind.ACCESS)


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_epochs_follow_each_other(tmp_path, step):
    """Whatever the batch size, all epochs come in order and once."""
    write(tmp_path, 5)
    write(tmp_path, 4, NOW + 1000)
    events = drain(SpoolReader(tmp_path, "s1"), step=step)
    assert [(event.epoch, event.seq) for event in events] == [(NOW, n) for n in range(1, 6)] + [
        (NOW + 1000, n) for n in range(1, 5)
    ]


def test_a_live_epoch_is_followed(tmp_path):
    """What a living writer adds later is read later; nothing is reported meanwhile."""
    writer = write(tmp_path, 2, close=False)
    reader = SpoolReader(tmp_path, "s1")
    first = reader.poll(START, 10)
    assert reader.poll(cursor_of(first[-1]), 10) == []
    writer.append(kind=EntryKind.GAP, captured_at=NOW, controller="aurore", key_id="k1", body=b"{}")
    writer.flush()
    assert [event.seq for event in reader.poll(cursor_of(first[-1]), 10)] == [3]
    assert reader.take_damage() == []
    writer.close()


def test_a_new_reader_goes_on_from_a_cursor(tmp_path):
    """A restarted core reads on after what the ledger holds."""
    write(tmp_path, 6)
    assert [event.seq for event in drain(SpoolReader(tmp_path, "s1"), SpoolCursor(source="s1", epoch=NOW, seq=4))] == [
        5,
        6,
    ]


def test_a_flipped_payload_loses_one_record_and_says_which(tmp_path):
    """Damage has bounds, and reading goes on behind it."""
    write(tmp_path, 5)
    path = tmp_path / "s1" / str(NOW) / folder.file_name(1)
    data = bytearray(path.read_bytes())
    length, _ = HEADER.unpack_from(data, len(MAGIC))
    second = len(MAGIC) + HEADER.size + length
    data[second + HEADER.size + 20] ^= 1
    path.write_bytes(data)
    reader = SpoolReader(tmp_path, "s1")
    assert [event.seq for event in drain(reader)] == [1, 3, 4, 5]
    assert reader.take_damage() == [
        SpoolDamage(source="s1", epoch=NOW, file=path.name, offset=second, after_seq=1, before_seq=3, torn=False)
    ]
    assert reader.take_damage() == []


def test_a_broken_length_loses_the_file_and_reading_goes_on_at_the_next(tmp_path, monkeypatch):
    """An impossible length hides the rest of its file, not the next one."""
    monkeypatch.setattr(writer_module, "MAX_FILE_BYTES", 500)
    write(tmp_path, 12)
    path = tmp_path / "s1" / str(NOW) / folder.file_name(1)
    data = bytearray(path.read_bytes())
    data[len(MAGIC)] = 0xFF
    path.write_bytes(data)
    reader = SpoolReader(tmp_path, "s1")
    seen = [event.seq for event in drain(reader)]
    assert seen[-1] == 12
    assert seen[0] > 1
    (damage,) = reader.take_damage()
    assert (damage.after_seq, damage.before_seq) == (0, seen[0])


def test_a_torn_tail_of_a_dead_epoch_is_reported_once_the_next_begins(tmp_path):
    """Bytes cut inside the last record wait while the writer may live, and are damage when it is gone."""
    write(tmp_path, 3, close=False).abandon()
    path = tmp_path / "s1" / str(NOW) / folder.file_name(1)
    path.write_bytes(path.read_bytes()[:-4])
    reader = SpoolReader(tmp_path, "s1")
    events = drain(reader)
    assert [event.seq for event in events] == [1, 2]
    assert reader.take_damage() == []
    write(tmp_path, 1, NOW + 50)
    assert [(event.epoch, event.seq) for event in drain(reader, cursor_of(events[-1]))] == [(NOW + 50, 1)]
    (damage,) = reader.take_damage()
    assert (damage.epoch, damage.after_seq, damage.before_seq, damage.torn) == (NOW, 2, 0, True)


def test_a_missing_file_is_damage(tmp_path, monkeypatch):
    """A whole file that someone deleted shows as missing numbers."""
    monkeypatch.setattr(writer_module, "MAX_FILE_BYTES", 500)
    write(tmp_path, 12)
    (tmp_path / "s1" / str(NOW) / folder.file_name(2)).unlink()
    reader = SpoolReader(tmp_path, "s1")
    seen = [event.seq for event in drain(reader)]
    (damage,) = reader.take_damage()
    assert damage.before_seq - damage.after_seq - 1 == 12 - len(seen)


def test_taken_files_are_deleted_and_the_end_is_kept(tmp_path, monkeypatch):
    """Old epochs and closed files go; the newest epoch keeps its last file for the next writer."""
    monkeypatch.setattr(writer_module, "MAX_FILE_BYTES", 500)
    write(tmp_path, 6)
    write(tmp_path, 12, NOW + 1000)
    reader = SpoolReader(tmp_path, "s1")
    events = drain(reader)
    assert reader.drop_consumed(cursor_of(events[2])) == 0
    assert reader.drop_consumed(cursor_of(events[-1])) > 3
    assert folder.epochs(tmp_path / "s1") == [NOW + 1000]
    assert len(folder.files(tmp_path / "s1" / str(NOW + 1000))) == 1
    assert SpoolWriter.open(tmp_path, "s1", NOW).previous.last_seq == 12


def test_an_unknown_source_is_empty(tmp_path):
    """A source that never wrote has nothing to read."""
    assert SpoolReader(tmp_path, "nobody").poll(SpoolCursor(source="nobody"), 5) == []
