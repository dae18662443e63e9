"""Consumed records are blanked in place: lengths, numbers and readers stay, what is not consumed is not touched."""

from quivive.model.entry import EntryKind
from quivive.spool import SpoolCursor, SpoolReader, SpoolWriter
from quivive.spool.scrub import consumed, scrub

SECRET = b'{"access":"%032x","note":"kept until the day is purged"}'


def written(root, count=6):
    writer = SpoolWriter.open(root, "crm", 1_000)
    for n in range(count):
        writer.append(kind=EntryKind.ACCESS, captured_at=n, controller="aurore", key_id="k1", body=SECRET % n)
    writer.sync()
    return writer


def test_what_was_consumed_and_wanted_is_blanked(tmp_path):
    """Every other byte stays where it was; a second call finds nothing."""
    writer = written(tmp_path)
    (path,) = (tmp_path / "crm" / str(writer.epoch)).glob("0*")
    before = path.read_bytes()
    cursor = SpoolCursor(source="crm", epoch=writer.epoch, seq=4)
    assert scrub(tmp_path, "crm", cursor, lambda event: event.seq % 2 == 0) == 2
    after = path.read_bytes()
    assert len(after) == len(before)
    for n in range(6):
        assert ((SECRET % n) in after) == (n not in {1, 3})
    assert [event.seq for event in consumed(tmp_path, "crm", cursor)] == [1, 3]
    assert scrub(tmp_path, "crm", cursor, lambda event: event.seq % 2 == 0) == 0
    writer.close()


def test_the_writer_and_the_reader_go_on(tmp_path):
    """A reader that starts again behind the cursor meets no damage; the writer appends to the same file."""
    writer = written(tmp_path)
    cursor = SpoolCursor(source="crm", epoch=writer.epoch, seq=4)
    scrub(tmp_path, "crm", cursor, lambda event: True)
    writer.append(kind=EntryKind.ACCESS, captured_at=9, controller="aurore", key_id="k1", body=SECRET % 9)
    writer.sync()
    reader = SpoolReader(tmp_path, "crm")
    assert [event.seq for event in reader.poll(cursor, 100)] == [5, 6, 7]
    assert reader.take_damage() == []
    writer.close()


def test_a_cursor_before_the_epoch_clears_nothing(tmp_path):
    """What the ledger has not taken is not ours to remove."""
    writer = written(tmp_path)
    assert scrub(tmp_path, "crm", SpoolCursor(source="crm"), lambda event: True) == 0
    assert scrub(tmp_path, "nobody", SpoolCursor(source="nobody"), lambda event: True) == 0
    writer.close()
